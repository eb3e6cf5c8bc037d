/** All attacks, by what they come in. SECURITY.md has them as a table (`npm run docs`), attacks.test.ts tries each. */
import type { Attack } from "./attack.js";
import { FILES } from "./files.js";
import { MODELS } from "./models.js";
import { PICTURES } from "./pictures.js";
import { QUEUE } from "./queue.js";
import { SYSTEM } from "./system.js";

export const ATTACKS: readonly Attack[] = [...PICTURES, ...FILES, ...MODELS, ...QUEUE, ...SYSTEM];
