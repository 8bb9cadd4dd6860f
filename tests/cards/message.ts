// What ts-json-schema-generator makes the schema of Slack's blocks from.
import type { KnownBlock } from "@slack/types";

export type Blocks = KnownBlock[];
