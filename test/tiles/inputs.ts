/** Inputs as people name them, made on the spot. What a tile `a/b.jpg` holds is `of b`. */
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { END, member, pax } from "../tar.js";
import { type ZipMember, zip } from "../zip.js";
import { zstd } from "../zstd.js";

/** What a listing gives. */
interface Listed {
  /** Names of tiles, in order; `copy=of` where a tile holds what is another's. */
  tiles: readonly string[];
  ignored?: number;
  /** Codes of what is rejected. */
  rejected?: readonly string[];
}

export interface SourceInput {
  /** What it is, as the table in docs/inputs.md says it. */
  what: string;
  reference: string;
  /** Makes it in `folder`, and gives the inputs to name. */
  make: (folder: string) => readonly string[];
  /** What stands on standard input. */
  stdin?: (folder: string) => Buffer;
  /** A pattern is that of the error. */
  gives: Listed | RegExp;
}

const table: SourceInput[] = [];
const add = (
  what: string,
  reference: string,
  make: SourceInput["make"],
  gives: SourceInput["gives"],
  stdin?: SourceInput["stdin"],
) => void table.push({ what, reference, make, gives, ...(stdin && { stdin }) });

const AB: Listed = { tiles: ["a", "b"] };
const dataOf = (path: string) => `of ${path.replace(/^.*\//, "").replace(/\.[^.]*$/, "")}`;

function write(folder: string, path: string, bytes: string | Uint8Array = dataOf(path)): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, bytes);
  return full;
}

/** A folder of files. */
const files =
  (...paths: string[]): SourceInput["make"] =>
  (folder) => {
    for (const path of paths) write(folder, `set/${path}`);
    return [join(folder, "set")];
  };

/** A single file. */
const file =
  (name: string, bytes: string | Uint8Array): SourceInput["make"] =>
  (folder) => [write(folder, name, bytes)];

const [A, B] = ["a", "b"].map((name) => member({ name: `${name}.jpg`, data: `of ${name}` }));

// Folders and files
add("a folder", "-", files("a.jpg", "b.png"), AB);
add("folders below it", "-", files("east/a.jpg", "west/deep/b.jpg"), AB);
add("endings of any case", "cameras", files("a.JPG", "b.Tif", "c.jpeg", "d.tiff", "e.webp"), {
  tiles: ["a", "b", "c", "d", "e"],
});
add("other files among tiles", "-", files("a.jpg", "a.xml", "b.jpg", "notes.txt"), { ...AB, ignored: 2 });
add("hidden files and notes of a Macintosh", "macOS", files("a.jpg", "b.jpg", "._a.jpg", "__MACOSX/._b.jpg"), {
  ...AB,
  ignored: 2,
});
add("files, in their order", "-", (folder) => [write(folder, "b.jpg"), write(folder, "a.jpg")], { tiles: ["b", "a"] });
add("a file whose name has no ending", "-", file("tile", "of tile"), { tiles: ["tile"] });
add("two tiles of one name", "-", files("east/a.jpg", "west/a.jpg"), { tiles: ["a", "a"] });
add("names of any script, composed or not", "Unicode", files("Gebäude.jpg", "e\u0301te\u0301.jpg", "森.jpg"), {
  tiles: ["Gebäude", "e\u0301te\u0301", "森"],
});
add("names with spaces, commas and quotes", "-", files('a "b", c.jpg', "x#y.jpg"), { tiles: ['a "b", c', "x#y"] });
add("a name of 255 bytes", "Linux", files(`${"n".repeat(251)}.jpg`), { tiles: ["n".repeat(251)] });
add(
  "links to files and folders",
  "-",
  (folder) => {
    const [set] = files("a.jpg", "deep/b.jpg")(folder);
    symlinkSync(join(set, "a.jpg"), join(set, "c.jpg"));
    symlinkSync(join(set, "deep"), join(set, "linked"));
    linkSync(join(set, "a.jpg"), join(set, "d.jpg"));
    return [set];
  },
  { tiles: ["a", "c=a", "b", "d=a", "b"] },
);
add(
  "a link that leads nowhere",
  "-",
  (folder) => {
    const [set] = files("a.jpg", "b.jpg")(folder);
    symlinkSync("gone.jpg", join(set, "c.jpg"));
    return [set];
  },
  { ...AB, rejected: ["READ"] },
);
add(
  "links in a circle",
  "-",
  (folder) => {
    const [set] = files("a.jpg", "b.jpg")(folder);
    symlinkSync(set, join(set, "again"));
    return [set];
  },
  AB,
);
add("a folder without tiles", "-", files("a.txt"), /No tiles in .*1 other file was ignored/);
add("an empty folder", "-", (folder) => [folder], /No tiles in .*looked for \.jpg/);
add(
  "a folder of archives",
  "-",
  (folder) => {
    write(folder, "set/b.tar.gz", gzipSync(Buffer.concat([B, END])));
    write(folder, "set/a.tar", Buffer.concat([A, END]));
    return [join(folder, "set")];
  },
  AB,
);
add("a folder of tiles and archives", "-", files("a.jpg", "b.jpg", "a.tar"), { ...AB, ignored: 1 });
add(
  "a pattern that the shell has left",
  "Windows",
  (folder) => {
    files("a.jpg", "b.jpg", "c.txt")(folder);
    return [join(folder, "set/*.jpg")];
  },
  AB,
);
add("a pattern that nothing matches", "-", (folder) => [join(folder, "*.tar")], /Nothing matches/);
add("what is not there", "-", (folder) => [join(folder, "gone")], /does not exist/);
add("no input", "-", () => [], /No input given/);
add("an empty text", "-", () => [""], /does not exist/);

// Lists
const list = (name: string, text: (folder: string) => string): SourceInput["make"] => {
  return (folder) => {
    for (const each of ["a", "b"]) write(folder, `${each}.jpg`);
    return [`@${write(folder, name, text(folder))}`];
  };
};
const both = (folder: string, end = "\n") => `${join(folder, "a.jpg")}${end}${join(folder, "b.jpg")}${end}`;
add("a list", "find", list("list.txt", both), AB);
add(
  "a list with CRLF, mark and empty lines",
  "Windows",
  list("list.txt", (at) => `\uFEFF\r\n${both(at, "\r\n\r\n")}`),
  AB,
);
add(
  "a list without an end of line",
  "-",
  list("list.txt", (at) => both(at).trimEnd()),
  AB,
);
add(
  "a list of files that are not there",
  "-",
  list("list.txt", (at) => `${both(at)}${join(at, "gone.jpg")}\n`),
  {
    ...AB,
    rejected: ["READ"],
  },
);
add(
  "a list with an archive in it",
  "-",
  (folder) => {
    const tar = write(folder, "set.tar", Buffer.concat([member({ name: "a.jpg", data: "of a" }), END]));
    const plain = write(folder, "b.jpg");
    return [`@${write(folder, "list.txt", `${tar}\n${plain}\n`)}`];
  },
  AB,
);
add(
  "rejects of an earlier run",
  "canopy",
  list("out.csv.rejects.jsonl", (at) => {
    return ["a", "b"]
      .map((name) => `${JSON.stringify({ path: join(at, `${name}.jpg`), name, code: "READ" })}\n`)
      .join("");
  }),
  AB,
);
add(
  "JSON lines without paths",
  "-",
  list("list.jsonl", () => '{"name": "a"}\n'),
  /Line 1 of .* names no tile/,
);
add(
  "an empty list",
  "-",
  list("list.txt", () => "\n"),
  /No tiles in/,
);
add("a list that is not there", "-", (folder) => [`@${join(folder, "gone.txt")}`], /The list .* does not exist/);
add("a list that is a folder", "-", (folder) => [`@${folder}`], /is not a file/);
add(
  "a list with a packed file in it",
  "-",
  list("list.txt", () => "set.tar.xz\n"),
  /set\.tar\.xz is a compressed archive/,
);

// Tars
const tar = (...parts: Buffer[]) => file("set.tar", Buffer.concat(parts));
const link = (type: "1" | "2", name: string, to: string) => member({ name, type, link: to });
add("a tar", "ustar", tar(A, B, END), AB);
add(
  "a tar in folders, with other members",
  "ustar",
  tar(
    member({ name: "set/", type: "5" }),
    member({ name: "set/a.jpg", data: "of a" }),
    member({ name: "set/labels.csv", data: "x" }),
    member({ name: "set/b.jpg", data: "of b" }),
    END,
  ),
  { ...AB, ignored: 1 },
);
add(
  "long names, pax",
  "GNU tar, bsdtar",
  tar(pax("x", { path: `${"d/".repeat(80)}a.jpg` }), member({ name: "short", data: "of a" }), B, END),
  AB,
);
add(
  "long names, GNU",
  "GNU tar",
  tar(
    member({ name: "././@LongLink", type: "L", data: `${"d/".repeat(80)}a.jpg\0` }),
    member({ name: "short", data: "of a" }),
    B,
    END,
  ),
  AB,
);
add("hard links", "GNU tar", tar(A, link("1", "b.jpg", "a.jpg"), END), { tiles: ["a", "b=a"] });
add("symbolic links", "GNU tar", tar(A, link("2", "deep/b.jpg", "../a.jpg"), END), { tiles: ["a", "b=a"] });
add("a link to what is not in it", "-", tar(A, B, link("2", "c.jpg", "gone.jpg"), END), { ...AB, rejected: ["READ"] });
add("links in a circle in a tar", "-", tar(A, B, link("2", "c.jpg", "d.jpg"), link("2", "d.jpg", "c.jpg"), END), {
  ...AB,
  rejected: ["READ", "READ"],
});
add("a sparse member", "GNU tar, --sparse", tar(A, B, member({ name: "c.jpg", type: "S", data: "x" }), END), {
  ...AB,
  rejected: ["FORMAT"],
});
add(
  "a sparse member, pax",
  "GNU tar, --format=posix",
  tar(A, B, pax("x", { "GNU.sparse.major": "1", "GNU.sparse.name": "c.jpg" }), member({ name: "x", data: "x" }), END),
  { ...AB, rejected: ["FORMAT"] },
);
add(
  "a device and a pipe",
  "-",
  tar(A, B, member({ name: "c.jpg", type: "3" }), member({ name: "d.jpg", type: "6" }), END),
  {
    ...AB,
    rejected: ["FORMAT", "FORMAT"],
  },
);
add("tars joined by cat", "-", tar(A, END, B, END), AB);
add("a tar without its end", "-", tar(A, B), { ...AB, rejected: ["FORMAT"] });
add(
  "a tar cut off in a member",
  "-",
  (folder) => [
    write(folder, "set.tar", Buffer.concat([A, B, member({ name: "c.jpg", data: "x".repeat(900) })]).subarray(0, -700)),
  ],
  { ...AB, rejected: ["FORMAT"] },
);
add("a tar with a damaged header", "-", tar(A, Buffer.alloc(512, 0x5a), Buffer.alloc(512), B, END), {
  ...AB,
  rejected: ["FORMAT"],
});
add("an empty tar", "-", tar(END), /No tiles in/);
add(
  "a tar of other files",
  "-",
  tar(member({ name: "x.csv", data: "x" }), END),
  /No tiles in .*1 other file was ignored/,
);
add("a tar of bad members alone", "-", tar(member({ name: "c.jpg", type: "3" }), END), /Not one tile can be read/);
add(
  "a gzip called .tar",
  "-",
  file("set.tar", Buffer.from([0x1f, 0x8b, 8, 0, 0, 0])),
  /compressed with gzip.*call it \.tar\.gz/,
);
add("a tar.gz", "gzip", file("set.tar.gz", gzipSync(Buffer.concat([A, B, END]))), AB);
add("a tar.zst", "zstd", file("set.tar.zst", zstd(Buffer.concat([A, B, END]))), AB);
add(
  "a tar.gz cut in half",
  "-",
  file("set.tgz", gzipSync(Buffer.concat([A, B, END])).subarray(0, 40)),
  /Not one tile can be read.*gzip data/,
);

// Zips
const zipped = (...members: ZipMember[]) => file("set.zip", zip(members));
const [ZA, ZB]: ZipMember[] = [
  { name: "a.jpg", data: "of a" },
  { name: "b.jpg", data: "of b" },
];
add("a zip", "Info-ZIP", zipped(ZA, ZB), AB);
add("a zip, stored", "Info-ZIP, -0", zipped({ ...ZA, method: 0 }, { ...ZB, method: 0 }), AB);
add(
  "a zip in folders, with other members",
  "-",
  zipped(
    { name: "set/", method: 0 },
    { ...ZA, name: "set/a.jpg" },
    { name: "set/x.csv", data: "x" },
    { ...ZB, name: "set/b.jpg" },
  ),
  { ...AB, ignored: 1 },
);
add("notes of a Macintosh in a zip", "macOS", zipped(ZA, ZB, { name: "__MACOSX/._a.jpg", data: "x" }), {
  ...AB,
  ignored: 1,
});
add("a zip64", "PKWARE", zipped({ ...ZA, zip64: true }, { ...ZB, zip64: true }), AB);
add(
  "names in code page 437",
  "old zips",
  zipped({ name: Buffer.from("Geb\x84ude.jpg", "latin1"), data: "of Gebäude", flags: 0 }),
  {
    tiles: ["Gebäude"],
  },
);
add("an encrypted member", "-", zipped(ZA, ZB, { name: "c.jpg", data: "x", flags: 1 }), {
  ...AB,
  rejected: ["FORMAT"],
});
add("a member compressed by bzip2", "PKWARE, method 12", zipped(ZA, ZB, { name: "c.jpg", data: "x", method: 12 }), {
  ...AB,
  rejected: ["FORMAT"],
});
add(
  "a link in a zip",
  "Info-ZIP, -y",
  zipped(ZA, ZB, { name: "c.jpg", data: "a.jpg", attributes: (0o120777 << 16) >>> 0 }),
  {
    ...AB,
    rejected: ["FORMAT"],
  },
);
add("an empty zip", "-", zipped(), /No tiles in/);
add(
  "a zip cut in half",
  "-",
  (folder) => {
    const whole = zip([ZA, ZB]);
    return [write(folder, "set.zip", whole.subarray(0, whole.length >> 1))];
  },
  /Not one tile can be read.*zip/,
);
add("text called .zip", "-", file("set.zip", "no archive at all, but text"), /Not one tile can be read.*zip/);

// Packed
for (const [name, what] of [
  ["set.tar.xz", "a compressed archive"],
  ["set.tbz2", "a compressed archive"],
  ["set.7z", "a 7z archive"],
  ["set.rar", "a RAR archive"],
  ["set.zipx", "a zip archive"],
  ["tile.jpg.gz", "a compressed file"],
] as const) {
  add(`\`${name}\``, "-", file(name, "packed"), new RegExp(`is ${what}, and its members cannot be read in place`));
}
add("a zip without its ending", "-", file("set", zip([ZA])), /is a zip archive: call it \.zip/);
add("a bzip2 without its ending", "-", file("set", "BZh91AY&SY packed"), /compressed with bzip2/);

// Standard input
const STDIN = () => ["-"];
add(
  "paths on standard input",
  "find ... \\|",
  (folder) => files("a.jpg", "b.jpg")(folder).map(() => "-"),
  AB,
  (folder) => Buffer.from(`${join(folder, "set/a.jpg")}\n${join(folder, "set/b.jpg")}\n`),
);
add("a tar on standard input", "tar c \\|", STDIN, AB, () => Buffer.concat([A, B, END]));
add("a zip on standard input", "-", STDIN, /zip/, () => zip([ZA, ZB]));
add("a gzip on standard input", "-", STDIN, /gzip/, () => Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]));
add("a picture on standard input", "-", STDIN, /standard input|Standard input/, () =>
  Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1"),
);
add("nothing on standard input", "-", STDIN, /No tiles in standard input/, () => Buffer.alloc(0));
add("standard input twice", "-", () => ["-", "-"], /only once/);

export const INPUTS: readonly SourceInput[] = table;
