import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openLabelFile } from "../../src/labels/bytes.js";
import { openParquet } from "../../src/labels/parquet.js";
import { temporaryFolder } from "../helpers.js";

/** Found by fuzzing: a run of values that says that it has a billion of them. */
const ENDLESS = `UEFSMRUGFUwVRlwVDBUAgAAAABUEFQAAAAM/JBgCAAAAdDACAQYAMQUGADIFBjAzAgAAAHQ0AgAAAHQ1FQYVBhUKXBUMFQAVDBUA
FQQVAAAAAz8BACsVBhUGFQpcFQwVABUMFQAVBBUAAAADPwEADBUGFQYVClwVDBUAFQwVABUEFQAAAAM/AQAxFQQZXEgEcm9vdBUI
ABUMJQIYBWltYWdlJQAAFQAlAhgFY2xlYXIAFQAlAhgHcHJpbWFyeQAVACUCGARyb2FkABYMGRwZTCYIHBUMGRUAGRgFaW1hZ2UV
AhYMFnYWcCYIPDYAKAJ0NRgCdDAAGRwVBhUAFQIAAAAmeBwVABkVABkYBWNsZWFyFQIWDBYwFjQmeDw2ACgBARgBAAAZHBUGFQAV
AgAAACasARwVABkVABkYB3ByaW1hcnkVAhYMFjAWNCasATw2ACgBARgBAAAZHBUGFQAVAgAAACbgARwVABkVABkYBHJvYWQVAhYM
FjAWNCbgATw2ACgBARgBAAAZHBUGFQAVAgAAABaGAhYMNowCACgJaHlwYXJxdWV0GUwcAAAcAAAcAAAcAAAALAEAAFBBUjE=`;

test("a Parquet file that keeps its reader busy for ever is refused after a time", async (t) => {
  const path = join(temporaryFolder(t), "labels.parquet");
  writeFileSync(path, Buffer.from(ENDLESS, "base64"));
  await assert.rejects(openParquet(await openLabelFile(path), {}, 1500), {
    name: "FormatError",
    message: `${path} cannot be read as Parquet (it takes more than 1.5 s). Is the whole file there?`,
  });
});
