// A Probot app with its throttling and its retries off, which are on by default. Stores nothing.
//
// node probot_app.mjs SECRET SINK        prints its address
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:net";
import { Probot, ProbotOctokit, Server } from "probot";

const [secret, sink] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const free = createServer();
const port = await new Promise((resolve) =>
  free.listen(0, "127.0.0.1", () => {
    const { port } = free.address();
    free.close(() => resolve(port));
  }),
);
const server = new Server({
  port,
  host: "127.0.0.1",
  webhookPath: "/",
  Probot: Probot.defaults({
    appId: 1,
    privateKey,
    secret,
    baseUrl: sink,
    logLevel: "error",
    Octokit: ProbotOctokit.defaults((options) => ({
      ...options,
      throttle: { enabled: false },
      retry: { enabled: false },
    })),
  }),
});
await server.load((app) => {
  app.on("issues.opened", async (context) => {
    await context.octokit.rest.issues.createComment(context.issue({ body: "Thank you" }));
  });
});
await server.start();
console.log(`probot: http://127.0.0.1:${port}`);
