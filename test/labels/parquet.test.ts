import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parquetWriteBuffer } from "hyparquet-writer";
import { openLabelFile } from "../../src/labels/bytes.js";
import { readLabels } from "../../src/labels/formats.js";
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

test("names of columns with line ends stay on the message's one line", async (t) => {
  const path = join(temporaryFolder(t), "labels.parquet");
  const columnData = ["one\r\nname", "two\r\nname"].map((name) => ({ name, data: [0.5, 1.5] }));
  writeFileSync(path, Buffer.from(parquetWriteBuffer({ columnData })));
  for (const options of [{}, { labelColumns: ["one\r\nname", "other\nname"] as const }]) {
    await assert.rejects(readLabels(path, options), { message: /^[^\r\n]*one\\r\\nname[^\r\n]*$/ });
  }
});
