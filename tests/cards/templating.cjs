// Expands templates with Microsoft's library: one JSON object {template, data} a line in, one {value} or {error} out.
const { Template } = require(require.resolve("adaptivecards-templating", { paths: [process.argv[2]] }));

function expand({ template, data }) {
  try {
    return { value: new Template(template).expand({ $root: data }) };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

require("node:readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => process.stdout.write(JSON.stringify(expand(JSON.parse(line))) + "\n"));
