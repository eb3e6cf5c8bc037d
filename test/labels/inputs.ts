/** Label files as people bring them, made on the spot. All that are right say the same about the same six tiles. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { ReadLabelsOptions } from "../../src/labels/formats.js";
import { END, member } from "../tar.js";

/** Tags by tile. */
export const TRUTH: Readonly<Record<string, readonly string[]>> = {
  t0: ["clear", "road"],
  t1: ["clear"],
  t2: ["primary"],
  t3: ["clear", "primary"],
  t4: ["road"],
  t5: ["clear", "road"],
};

export interface LabelInput {
  /** What it is, as the table in docs/labels.md says it. */
  what: string;
  /** Where the format is described, or what writes it. */
  reference: string;
  file: string;
  content: string | Buffer | (() => Buffer);
  /** Files of a folder, which is then what is read. */
  files?: readonly string[];
  options?: ReadLabelsOptions;
  /** How `options` are written, in the table. */
  said?: string;
  /** `read`: as TRUTH; otherwise the tags by tile; a pattern is that of the error. */
  gives: "read" | Readonly<Record<string, readonly string[]>> | RegExp;
  /** Codes of doubts besides those of so small a file. */
  doubts?: readonly string[];
}

const NAMES = Object.keys(TRUTH);
const TAGS = ["clear", "primary", "road"];

/** A line for each tile. */
function lines(
  line: (name: string, tags: readonly string[], i: number) => string,
  header?: string,
  end = "\n",
): string {
  const rows = NAMES.map((name, i) => line(name, TRUTH[name], i));
  return [...(header === undefined ? [] : [header]), ...rows, ""].join(end);
}

const plain = (end = "\n") => lines((name, tags) => `${name},${tags.join(" ")}`, "image_name,tags", end);

function bits(name: string, tags: readonly string[], separator = ",", [no, yes] = ["0", "1"]): string {
  return [name, ...TAGS.map((tag) => (tags.includes(tag) ? yes : no))].join(separator);
}

const json = (value: unknown) => JSON.stringify(value);

function objects(make: (name: string, tags: readonly string[]) => object): string {
  return lines((name, tags) => json(make(name, tags)));
}

function utf16(text: string, { bom = true, big = false } = {}): Buffer {
  const bytes = Buffer.from(`${bom ? "\uFEFF" : ""}${text}`, "utf16le");
  return big ? bytes.swap16() : bytes;
}

function parquet(columns: Parameters<typeof parquetWriteBuffer>[0]["columnData"]): Buffer {
  return Buffer.from(parquetWriteBuffer({ columnData: columns }));
}

const BIG_EARTH: LabelInput["content"] = () => {
  const list = { name: "labels", data: NAMES.map((name) => [...TRUTH[name]]) };
  const split = { name: "split", data: ["train", "train", "train", "validation", "test", "test"] };
  return parquet([
    { name: "patch_id", data: NAMES, type: "STRING" },
    list as never,
    { ...split, type: "STRING" },
    { name: "country", data: NAMES.map(() => "Austria"), type: "STRING" },
  ]);
};

const COCO = json({
  images: NAMES.map((name, i) => ({ id: 10 + i, file_name: `train/${name}.jpg`, width: 4, height: 4 })),
  categories: TAGS.map((name, i) => ({ id: i + 1, name })),
  annotations: NAMES.flatMap((name, i) =>
    TRUTH[name].flatMap((tag) => {
      const annotation = { image_id: 10 + i, category_id: TAGS.indexOf(tag) + 1, bbox: [0, 0, 1, 1] };
      return [annotation, annotation];
    }),
  ),
});

const table: LabelInput[] = [];
const add = (
  what: string,
  reference: string,
  file: string,
  content: LabelInput["content"],
  gives: LabelInput["gives"] = "read",
  more: Partial<LabelInput> = {},
) => table.push({ what, reference, file, content, gives, ...more });

// Text: separators of columns, encodings, line ends, quotes
add("CSV, tags separated by spaces", "Kaggle, Planet: Understanding the Amazon", "labels.csv", plain());
add("tabs between columns", "AiTLAS", "labels.tsv", plain().replaceAll(",", "\t"));
add("semicolons between columns", "Excel in most of Europe", "labels.csv", plain().replaceAll(",", ";"));
add("`|` between columns", "database dumps", "labels.txt", plain().replaceAll(",", "|"));
add("UTF-8 with a byte-order mark", 'Excel, "CSV UTF-8"', "labels.csv", `\uFEFF${plain()}`);
add("UTF-16 with a byte-order mark", 'Excel, "Unicode text"', "labels.txt", utf16(plain().replaceAll(",", "\t")));
add("UTF-16, big-endian, with a mark", "Unicode", "labels.csv", utf16(plain(), { big: true }));
add("UTF-16 without a mark", "PowerShell, .NET", "labels.csv", utf16(plain(), { bom: false }));
add("UTF-16, big-endian, without a mark", "Unicode", "labels.csv", utf16(plain(), { bom: false, big: true }));
add(
  "Latin-1 (Windows-1252)",
  'Excel, "CSV"',
  "labels.csv",
  Buffer.from("image_name,tags\nt0,forêt eau\nt1,forêt\nt2,eau\n", "latin1"),
  { t0: ["forêt", "eau"], t1: ["forêt"], t2: ["eau"] },
  { doubts: ["LATIN1"] },
);
add(
  "UTF-8 that is damaged",
  "Unicode",
  "labels.csv",
  Buffer.concat([Buffer.from("image_name,tags\nt0,forêt déjà\nt1,for\xeat"), Buffer.from([0xe9, 10])]),
  /line 3: is damaged UTF-8/,
);
add("UTF-16 cut off in a character", "Unicode", "labels.csv", utf16(plain()).subarray(0, 101), /is not whole/);
add("CRLF", "RFC 4180", "labels.csv", plain("\r\n"));
add("CR alone", "old Macintosh", "labels.csv", plain("\r"));
add("line ends mixed", "editors", "labels.csv", plain().replace("\n", "\r\n"));
add("no line end at the end", "editors", "labels.csv", plain().trimEnd());
add("empty lines", "editors", "labels.csv", plain().replaceAll("\n", "\n\n"));
add(
  "quoted fields",
  "RFC 4180",
  "labels.csv",
  lines((name, tags) => `"${name}","${tags.join(" ")}"`, '"image_name","tags"'),
);
add(
  "a quote that is never closed",
  "RFC 4180",
  "labels.csv",
  'image_name,tags\nt0,clear\n"t1,road\n',
  /line \d+: not CSV/,
);
add(
  "no header",
  "files of names and tags",
  "labels.csv",
  lines((name, tags) => `${name},${tags.join(" ")}`),
);
add(
  "no header, names with extensions",
  "files of names and tags",
  "labels.csv",
  lines((name, tags) => `${name}.jpg,${tags.join(" ")}`),
);
add(
  "no header, tags separated as columns are",
  "files of names and tags",
  "labels.csv",
  lines((name, tags) => [name, ...tags].join(",")),
);
add(
  "no header, semicolons, tags by commas",
  "files of names and tags",
  "labels.csv",
  lines((name, tags) => `${name};${tags.join(",")}`),
);
add(
  "a first line that may be header or tile",
  "-",
  "labels.csv",
  "wald,merkmal\nwiese,grün\nsee,blau\n",
  /line 1: .*may be a header or a tile.*labelColumns/s,
);
add(
  "the same, its columns named",
  "-",
  "labels.csv",
  "wald,merkmal\nwiese,grün\nsee,blau\n",
  { wiese: ["grün"], see: ["blau"] },
  { options: { labelColumns: ["wald", "merkmal"] }, said: "`--label-columns wald,merkmal`" },
);
add(
  "the same, its columns numbered",
  "-",
  "labels.csv",
  "wald,tanne\nwiese,grün\nsee,blau\n",
  { wald: ["tanne"], wiese: ["grün"], see: ["blau"] },
  { options: { labelColumns: [1, 2] }, said: "`--label-columns 1,2`" },
);

add(
  "Excel's line on what separates columns",
  'Excel, "sep=;"',
  "labels.csv",
  `sep=;\r\n${plain("\r\n").replaceAll(",", ";")}`,
);

// Tags in cells
add(
  "tags by commas, quoted",
  "spreadsheets",
  "labels.csv",
  lines((name, tags) => `${name},"${tags.join(",")}"`, "image_name,tags"),
);
add(
  "tags by commas and spaces, quoted",
  "spreadsheets",
  "labels.csv",
  lines((name, tags) => `${name},"${tags.join(", ")}"`, "image,labels"),
);
add(
  "tags by commas, not quoted",
  "written by hand",
  "labels.csv",
  lines((name, tags) => `${name},${tags.join(",")}`, "image_name,tags"),
);
add(
  "tags by semicolons",
  "spreadsheets",
  "labels.csv",
  lines((name, tags) => `${name},${tags.join(";")}`, "filename,label"),
);
add(
  "tags by `|`",
  "NIH ChestX-ray14, MovieLens",
  "labels.csv",
  lines((name, tags) => `${name}.png,${tags.join("|")}`, "Image Index,Finding Labels"),
);
add(
  "tags by something else",
  "-",
  "labels.csv",
  lines((name, tags) => `${name},${tags.join("/")}`, "image,tags"),
  "read",
  { options: { tagSeparator: "/" }, said: "`--tag-separator /`" },
);
add(
  "lists as Python writes them",
  "pandas",
  "labels.csv",
  lines((name, tags) => `${name},"['${tags.join("', '")}']"`, "image_name,tags"),
);
add(
  "lists as JSON",
  "JSON",
  "labels.csv",
  lines((name, tags) => `${name},"${json(tags).replaceAll('"', '""')}"`, "image_name,tags"),
);
add(
  "lists as NumPy prints them",
  "pandas, of Parquet",
  "labels.csv",
  lines((name, tags) => `${name},['${tags.join("' '")}']`, "image_name,tags"),
);
add(
  "lists with escapes, and an empty one",
  "Python, JSON",
  "labels.csv",
  `file,tags\nt0,"['l\\'eau', 'a']"\nt1,"[""\\u00e9t\\u00e9""]"\nt2,[]\nt3,['a']\n`,
  { t0: ["l'eau", "a"], t1: ["été"], t2: [], t3: ["a"] },
  { doubts: ["ROWS_WITHOUT_TAGS"] },
);
add(
  "lists of numbers",
  "class ids",
  "labels.csv",
  'file,tags\nt0,"[1, 12]"\nt1,[3]\nt2,"[1, 3]"\nt3,[12]\n',
  { t0: ["1", "12"], t1: ["3"], t2: ["1", "3"], t3: ["12"] },
  { doubts: ["NUMBERS"] },
);
add(
  "lists of 0 and 1",
  "Keras, PyTorch",
  "labels.csv",
  'file,tags\nt0,"[0, 1, 1]"\nt1,"[1, 0, 0]"\n',
  /line 2: the cells hold 3 numbers each/,
);
add(
  "a cell that is no list among lists",
  "-",
  "labels.csv",
  `file,tags\nt0,"['a', 'b']"\nt1,['a'\n`,
  /line 3: "\['a'" in the column "tags" is not a list/,
);
add(
  "a NumPy list that was cut short",
  "NumPy",
  "labels.csv",
  "file,tags\nt0,['a' 'b' ... 'z']\n",
  /line 2: .*is not a list/,
);
add(
  "several columns of tags",
  "spreadsheets",
  "labels.csv",
  lines((name, tags) => `${name},${tags[0]},${tags[1] ?? ""}`, "image,tag1,tag2"),
);
add(
  "class names with spaces, by commas",
  "COCO, Open Images",
  "labels.csv",
  `image,labels\nt0,"bare soil, open water"\nt1,bare soil\nt2,"open water, road"\nt3,road\n`,
  { t0: ["bare_soil", "open_water"], t1: ["bare_soil"], t2: ["open_water", "road"], t3: ["road"] },
  { doubts: ["RESPELLED"] },
);
add(
  "class names with commas, by `|`",
  "CORINE Land Cover",
  "labels.csv",
  "image,labels\nt0,Urban fabric|Arable land\nt1,Land, wooded|Arable land\nt2,Land, wooded\nt3,Urban fabric|Land, wooded\n"
    .replace(/Land, wooded/g, "Land, wooded")
    .replace(/^(t\d),(.*)$/gm, '$1,"$2"'),
  {
    t0: ["Urban_fabric", "Arable_land"],
    t1: ["Land,_wooded", "Arable_land"],
    t2: ["Land,_wooded"],
    t3: ["Urban_fabric", "Land,_wooded"],
  },
  { doubts: ["RESPELLED"] },
);
add(
  "one class with spaces a tile, or tags?",
  "EuroSAT",
  "labels.csv",
  "image,label\nt0,Annual Crop\nt1,Sea Lake\nt2,Annual Crop\n",
  /line 2: "Annual Crop".*one tag with spaces in it, or several tags.*tagSeparator/s,
);
add(
  "the same, said",
  "EuroSAT",
  "labels.csv",
  "image,label\nt0,Annual Crop\nt1,Sea Lake\nt2,Annual Crop\n",
  { t0: ["Annual_Crop"], t1: ["Sea_Lake"], t2: ["Annual_Crop"] },
  { options: { tagSeparator: "none" }, said: "`--tag-separator none`", doubts: ["RESPELLED"] },
);
add(
  "a comma strayed among spaces",
  "-",
  "labels.csv",
  plain().replace("t3,clear primary", 't3,"clear, primary"'),
  /line 5: "clear, primary".*separated by comma, where other tags are separated by spaces/,
);

// Columns
add(
  "names in paths, with extensions",
  "file lists",
  "labels.csv",
  lines((name, tags) => `data/train-jpg/${name}.jpg,${tags.join(" ")}`, "path,tags"),
);
add(
  "names in Windows' paths",
  "file lists",
  "labels.csv",
  lines((name, tags) => `C:\\data\\${name}.jpg,${tags.join(" ")}`, "path,tags"),
);
add(
  "an unnamed index before",
  "pandas",
  "labels.csv",
  lines((name, tags, i) => `${i},${name},${tags.join(" ")}`, ",image_name,tags"),
);
add(
  "an unnamed index before names of another kind",
  "pandas",
  "labels.csv",
  lines((name, tags, i) => `${i},${name},${tags.join(" ")}`, "Unnamed: 0,scene,cover"),
);
add(
  "a `split` column in between",
  "data sets with parts",
  "labels.csv",
  lines((name, tags) => `${name},train,${tags.join(" ")}`, "image_name,split,tags"),
);
add(
  "fastai's `is_valid`",
  "fastai, planet_sample",
  "labels.csv",
  lines((name, tags, i) => `${name}.jpg,${tags.join(" ")},${i > 3 ? "True" : "False"}`, "fname,tags,is_valid"),
);
add(
  "tags beside a column for each",
  "Kaggle kernels",
  "labels.csv",
  lines((name, tags) => `${name},${tags.join(" ")},${tags.includes("road") ? 1 : 0},0.5`, "image_name,tags,road,haze"),
);
add(
  "two columns that may be the tags",
  "-",
  "labels.csv",
  "image,region,cover\nt0,north,a b\nt1,south,b\n",
  /line 2: the tags may be in "region" or "cover".*labelColumns/s,
);
add(
  "the same, said",
  "-",
  "labels.csv",
  "image,region,cover\nt0,north,a b\nt1,south,b\n",
  { t0: ["a", "b"], t1: ["b"] },
  { options: { labelColumns: ["image", "cover"] }, said: "`--label-columns image,cover`" },
);
add("a column that is not there", "-", "labels.csv", plain(), /no column "label".*its columns are: image_name, tags/s, {
  options: { labelColumns: ["image_name", "label"] },
  said: "`--label-columns image_name,label`",
});
add(
  "class ids",
  "torchvision, scikit-learn",
  "labels.csv",
  "image,label\nt0,3\nt1,0\nt2,3\n",
  /line 2: the column "label" holds "3": numbers do not say which tags/,
);
add(
  "class ids, said to be tags",
  "torchvision, scikit-learn",
  "labels.csv",
  "image,label\nt0,3\nt1,0\nt2,3\n",
  { t0: ["3"], t1: ["0"], t2: ["3"] },
  { options: { labelColumns: ["image", "label"] }, said: "`--label-columns image,label`", doubts: ["NUMBERS"] },
);
add("a single column", "-", "labels.csv", "image_name\nt0\nt1\n", /single column "image_name"/);
add(
  "more cells than columns",
  "-",
  "labels.csv",
  "image,tags,split\nt0,a,train\nt1,a,b,train\n",
  /line 3: there are 4 cells in 3 columns/,
);

// A column for each tag
const headed = `image_name,${TAGS.join(",")}`;
add(
  "a column for each tag: 0 and 1",
  "scikit-learn, Keras",
  "labels.csv",
  lines((name, tags) => bits(name, tags), headed),
);
add(
  "a column for each tag: 0.0 and 1.0",
  "NumPy",
  "labels.csv",
  lines((name, tags) => bits(name, tags, ",", ["0.0", "1.0"]), headed),
);
add(
  "a column for each tag: true and false",
  "pandas",
  "labels.csv",
  lines((name, tags) => bits(name, tags, ",", ["False", "True"]), headed),
);
add(
  "a column for each tag: yes and no",
  "spreadsheets",
  "labels.csv",
  lines((name, tags) => bits(name, tags, ",", ["no", "Yes"]), headed),
);
add(
  "a column for each tag: 1 and nothing",
  "spreadsheets",
  "labels.csv",
  lines((name, tags) => bits(name, tags, ",", ["", "1"]), headed),
);
add(
  "a column for each tag: spaces after the commas",
  "Roboflow, `_classes.csv`",
  "_classes.csv",
  lines((name, tags) => bits(`${name}.jpg`, tags, ", "), `filename, ${TAGS.join(", ")}`),
);
add(
  "a column for each tag: tabs",
  "AiTLAS",
  "multilabels.txt",
  lines((name, tags) => bits(name, tags, "\t"), `image\\tag\t${TAGS.join("\t")}`),
);
add(
  "a column for each tag: an index and a path",
  "AutoGluon",
  "train.csv",
  lines((name, tags, i) => bits(`${i},images/${name}.png`, tags), `,image,${TAGS.join(",")}`),
);
add(
  "a data frame of Keras",
  "Keras, flow_from_dataframe",
  "train.csv",
  lines((name, tags) => bits(`${name}.jpg`, tags), `Filenames,${TAGS.join(",")}`),
);
add(
  "a column for each tag: measures beside",
  "GIS exports",
  "labels.csv",
  lines((name, tags, i) => bits(`${name},${48.5 + i},256`, tags), `image,lat,width,${TAGS.join(",")}`),
);
add(
  "a column for each tag: probabilities",
  "-",
  "labels.csv",
  "image,clear,road\nt0,0.9,0.2\nt1,0.1,1\n",
  /line 2: the column "clear" holds "0.9"/,
);
add(
  "a column for each tag: two of one name",
  "joined tables",
  "labels.csv",
  "image,clear,road,clear\nt0,1,0,0\nt1,0,1,1\n",
  /two columns are called "clear"/,
);
add(
  "two columns of one name, of which one is wanted",
  "joined tables",
  "labels.csv",
  "image,tags,tags\nt0,clear,old\nt1,road,old\n",
  /two columns are called "tags".*by their numbers/,
  { options: { labelColumns: ["image", "tags"] }, said: "`--label-columns image,tags`" },
);
add(
  "two columns of one name, of which one is wanted by its number",
  "joined tables",
  "labels.csv",
  "image,tags,tags\nt0,clear,old\nt1,road,old\n",
  { t0: ["clear"], t1: ["road"] },
  { options: { labelColumns: [1, 2] }, said: "`--label-columns 1,2`" },
);
add(
  "a column for each tag: a probability among 0 and 1",
  "-",
  "labels.csv",
  "image,clear,road,haze\nt0,1,0,1\nt1,1,0.5,0\n",
  /line 3: the column "road" holds "0.5"/,
);
add(
  "a column for each tag: -1 for no",
  "CelebA, PASCAL VOC",
  "labels.csv",
  "image,clear,road\nt0,1,-1\nt1,-1,1\n",
  /line 2: the column "road" holds "-1"/,
);
add(
  "a column for each tag: without a header",
  "-",
  "labels.csv",
  "t0,1,0,1\nt1,0,1,0\n",
  /line 1: a table of 0 and 1 without a header/,
);
add(
  "a column for each tag: a row that is cut off",
  "-",
  "labels.csv",
  `${headed}\nt0,1,0,1\nt1,1\n`,
  /line 3: there are 2 cells in 4 columns/,
);
add(
  "a column of yes and no",
  "-",
  "labels.csv",
  "image,water\nt0,no\nt1,yes\n",
  /line 2: the column "water" holds "no", which names no tag.*multi-hot.*a tag called water/s,
);
add(
  "a column for each tag, of which there is one",
  "-",
  "labels.csv",
  "image,cloud\nt0,1\nt1,0\n",
  /line 2: the column "cloud" holds "1".*multi-hot/s,
);
add(
  "the same, said",
  "-",
  "labels.csv",
  "image,cloud\nt0,1\nt1,0\n",
  { t0: ["cloud"], t1: [] },
  {
    options: { labelFormat: "multi-hot" },
    said: "`--label-format multi-hot`",
    doubts: [],
  },
);
add(
  "a column for each tag: some of the columns",
  "-",
  "labels.csv",
  "image,clear,road,score\nt0,1,0,7\nt1,0,1,9\n",
  { t0: ["clear"], t1: ["road"] },
  { options: { labelColumns: ["image", "clear", "road"] }, said: "`--label-columns image,clear,road`" },
);

// JSON
add(
  "`metadata.jsonl`",
  "Hugging Face, ImageFolder",
  "metadata.jsonl",
  objects((name, tags) => ({ file_name: `${name}.png`, tags })),
);
add(
  "`metadata.csv`",
  "Hugging Face, ImageFolder",
  "metadata.csv",
  lines((name, tags) => `train/${name}.png,"${tags.join(",")}"`, "file_name,labels"),
);
add(
  "JSON lines, several annotations",
  "Vertex AI, multi-label",
  "import.jsonl",
  objects((name, tags) => ({
    imageGcsUri: `gs://bucket/${name}.jpg`,
    classificationAnnotations: tags.map((displayName) => ({ displayName })),
  })),
);
add(
  "JSON lines, one annotation",
  "Vertex AI, single-label",
  "import.jsonl",
  '{"imageGcsUri":"gs://b/t0.jpg","classificationAnnotation":{"displayName":"bare soil"}}\n{"imageGcsUri":"gs://b/t1.jpg","classificationAnnotation":{"displayName":"road"}}\n',
  { t0: ["bare_soil"], t1: ["road"] },
  { doubts: ["RESPELLED"] },
);
add(
  "JSON lines, lists",
  "Azure ML, multi-label",
  "labels.jsonl",
  objects((name, tags) => ({
    image_url: `AmlDatastore://store/a/${name}.jpg`,
    image_details: { width: "4", format: "jpg" },
    label: tags,
    label_confidence: tags.map(() => 1),
  })),
);
add(
  "JSON lines, one label",
  "Azure ML, multi-class",
  "labels.jsonl",
  '{"image_url":"AmlDatastore://s/t0.jpg","label":"bare soil"}\n{"image_url":"AmlDatastore://s/t1.jpg","label":"road"}\n',
  { t0: ["bare_soil"], t1: ["road"] },
  { doubts: ["RESPELLED"] },
);
add(
  "predictions as JSON lines",
  "canopy predict",
  "tags.jsonl",
  objects((name, tags) => ({ image_name: name, path: `x/${name}.jpg`, tags })),
);
add(
  "JSON lines, a key for each tag",
  "pandas, lines=True",
  "t.jsonl",
  objects((name, tags) => ({ file: name, ...Object.fromEntries(TAGS.map((tag) => [tag, tags.includes(tag)])) })),
);
add("JSON by name", "-", "labels.json", json(Object.fromEntries(NAMES.map((name) => [`${name}.jpg`, TRUTH[name]]))));
add("a key that only some lines have", "-", "t.jsonl", '{"file":"t0","clear":1}\n{"file":"t1","road":1}\n', {
  t0: ["clear"],
  t1: ["road"],
});
add(
  "JSON lines with null",
  "-",
  "t.jsonl",
  '{"file":"t0","tags":["clear","road"]}\n{"file":"t1","tags":null}\n{"file":"t2","tags":[]}\n{"file":"t3"}\n',
  { t0: ["clear", "road"], t2: [] },
  { doubts: ["UNLABELLED", "ROWS_WITHOUT_TAGS"] },
);
add(
  "JSON lines, one of them damaged",
  "JSON Lines",
  "t.jsonl",
  '{"file":"t0","tags":["clear"]}\n{"file":"t1","tags":["cl\n',
  /line 2: not JSON/,
);
add(
  "class ids in JSON lines",
  "Hugging Face, ClassLabel",
  "t.jsonl",
  '{"file_name":"t0.png","label":3}\n{"file_name":"t1.png","label":0}\n',
  /line 1: the column "label" holds "3"/,
);
add(
  "a list of objects",
  "pandas, orient=records",
  "labels.json",
  json(NAMES.map((name) => ({ image: `${name}.jpg`, tags: TRUTH[name] }))),
);
add("COCO: categories of a picture's annotations", "COCO", "instances.json", COCO);
add(
  "COCO with scores",
  "COCO, results",
  "instances.json",
  COCO.replace('"category_id":1', '"category_id":1,"score":0.3'),
  /annotation 1: it has a score of 0\.3/,
);
add(
  "COCO with a category that is not there",
  "COCO",
  "instances.json",
  COCO.replace('"category_id":1', '"category_id":9'),
  /annotation 1: there is no category 9/,
);
add(
  "Label Studio's tasks",
  "Label Studio, JSON",
  "export.json",
  json(
    NAMES.map((name) => ({
      id: 1,
      data: { image: `/data/upload/1/0a1b2c3d-${name}.jpg` },
      annotations: [{ result: [{ type: "choices", from_name: "t", value: { choices: TRUTH[name] } }] }],
    })),
  ),
);
add(
  "Label Studio's tasks, short",
  "Label Studio, JSON-MIN",
  "export.json",
  json(
    NAMES.map((name, i) => ({
      id: i,
      image: `/data/local-files/?d=in/${name}.jpg`,
      tags: TRUTH[name].length > 1 ? { choices: TRUTH[name] } : TRUTH[name][0],
      annotator: 1,
    })),
  ),
);
add(
  "Label Studio's tasks as CSV",
  "Label Studio, CSV",
  "export.csv",
  lines(
    (name, tags, i) =>
      `${i},1,"${tags.length > 1 ? json({ choices: tags }).replaceAll('"', '""') : tags[0]}",/data/upload/3/0a1b2c3d-${name}.jpg`,
    "annotation_id,annotator,choice,image",
  ),
);
add(
  "FiftyOne's samples",
  "FiftyOne, docs/curation.md",
  "samples.json",
  json({
    samples: NAMES.map((name) => ({
      filepath: `/x/${name}.jpg`,
      ground_truth: TRUTH[name].map((label) => ({ label })),
    })),
  }),
);
add("JSON that is cut off", "JSON", "labels.json", COCO.slice(0, -20), /is not JSON/);

// Parquet
add("Parquet with a list column", "BigEarthNet v2, `metadata.parquet`", "metadata.parquet", BIG_EARTH);
add("Parquet with a column for each tag", "pandas", "labels.parquet", () =>
  parquet([
    { name: "image", data: NAMES, type: "STRING" },
    ...TAGS.map((tag) => ({
      name: tag,
      data: NAMES.map((name) => TRUTH[name].includes(tag)),
      type: "BOOLEAN" as const,
    })),
  ]),
);
add(
  "Parquet that is cut off",
  "Parquet",
  "labels.parquet",
  () => (BIG_EARTH as () => Buffer)().subarray(0, 200),
  /cannot be read as Parquet/,
);

// Other files
for (const [what, start, pattern] of [
  ["an Excel workbook", "PK\x03\x04", /zip archive or an Excel workbook/],
  ["a compressed file", "\x1f\x8b\x08", /is a compressed file/],
  ["a picture", "\x89PNG\r\n\x1a\n", /is a picture/],
  ["a web page", "<!DOCTYPE html>", /HTML/],
  ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1", /Git LFS pointer/],
  ["bytes that are no text", "\x01\x00\x00\x02\x00abc", /is not text/],
] as const) {
  add(what, "-", "labels.csv", Buffer.from(start.padEnd(64, " "), "latin1"), pattern);
}
add("an empty file", "-", "labels.csv", "", /it is empty/);
add("a header alone", "-", "labels.csv", "image_name,tags\n", /holds no labels/);

// Doubt
add(
  "a tag with a character nobody sees",
  "-",
  "labels.csv",
  plain().replace("t3,clear", "t3,cle\u200bar"),
  { ...TRUTH, t3: ["cle\u200bar", "primary"] },
  { doubts: ["SPELLINGS"] },
);
add(
  "a column of classes that are none of the columns'",
  "-",
  "labels.csv",
  "image,label,clear,road\nt0,x,1,0\nt1,y,0,1\n",
  /line 2: the tags may be in "label" or "clear" or "road"/,
);
add("names that are empty", "-", "labels.csv", `${plain()},road\n`, "read", { doubts: ["EMPTY_NAMES"] });
add(
  "`nan` for tags",
  "pandas",
  "labels.csv",
  plain().replace("t1,clear\n", "t1,nan\n"),
  { ...TRUTH, t1: undefined } as never,
  { doubts: ["UNLABELLED"] },
);
add(
  "no tags in a row",
  "-",
  "labels.csv",
  plain().replace("t1,clear\n", "t1,\n"),
  { ...TRUTH, t1: [] },
  { doubts: ["ROWS_WITHOUT_TAGS"] },
);
add(
  "a tag in two spellings",
  "-",
  "labels.csv",
  "image,tags\nt0,Clear a\nt1,clear b\nt2,bare-soil\nt3,bare_soil a b\n",
  { t0: ["Clear", "a"], t1: ["clear", "b"], t2: ["bare-soil"], t3: ["bare_soil", "a", "b"] },
  { doubts: ["SPELLINGS"] },
);
add(
  "one tag alone",
  "-",
  "labels.csv",
  "image,tags\nt0,clear\nt1,clear\n",
  { t0: ["clear"], t1: ["clear"] },
  { doubts: ["ONE_TAG"] },
);
add("a row twice", "-", "labels.csv", `${plain()}t0.jpg,road clear\n`, "read", { doubts: ["REPEATED_ROWS"] });
add(
  "two rows that disagree",
  "-",
  "labels.csv",
  `${plain()}t0,road\n`,
  /line 8: tile t0 has road here, and clear road in line 2.*long/s,
);
add(
  "a row for each tag",
  "Open Images, long tables",
  "labels.csv",
  `image,tag\n${NAMES.flatMap((name) => TRUTH[name].map((tag) => `${name},${tag}`)).join("\n")}\n`,
  "read",
  { options: { labelFormat: "long" }, said: "`--label-format long`" },
);
add(
  "a control character in a tag",
  "-",
  "labels.csv",
  plain().replace("clear road", "clear\u0007 road"),
  /line 2: the tag "clear\\u0007" holds a control character/,
);
add(
  "as many tags as tiles",
  "-",
  "labels.csv",
  `image,tags\n${Array.from({ length: 12 }, (_, i) => `t${i},x${i}`).join("\n")}\n`,
  Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`t${i}`, [`x${i}`]])),
  { doubts: ["AS_MANY_TAGS_AS_TILES"] },
);

// What looks like names and tags, and is something else
const oddTable = (header: string, cell: (tags: readonly string[], i: number) => string) =>
  lines((name, tags, i) => `${name},${cell(tags, i)}`, header);
const oneHot = (tags: readonly string[], separator = ",") => bits("", tags, separator).slice(separator.length);
add(
  "a column for each tag: a fold of 0 and 1 beside",
  "-",
  "labels.csv",
  oddTable("image,fold,clear,primary,road", (tags, i) => `${i % 2},${oneHot(tags)}`),
);
add(
  "a column for each tag: `is_train` beside",
  "-",
  "labels.csv",
  oddTable("image,clear,primary,road,is_train", (tags, i) => `${oneHot(tags)},${i % 2}`),
);
add(
  "a column for each tag: a comma at the end of rows",
  "-",
  "labels.csv",
  oddTable("image,clear,primary,road", (tags) => `${oneHot(tags)},`),
);
add(
  "a column for each tag, with `--tag-separator`",
  "-",
  "labels.csv",
  oddTable("image,clear,primary,road", (tags) => oneHot(tags)),
  /leave out `tagSeparator`/,
  { options: { tagSeparator: "comma" } },
);
add(
  "0 and 1 for each tag in one cell",
  "-",
  "labels.csv",
  oddTable("image,labels", (tags) => oneHot(tags, " ")),
  /line 2: the cells hold 3 numbers each \(1 0 1\)/,
);
add(
  "lists of 0 and 1 for two tags",
  "-",
  "labels.jsonl",
  '{"image":"t0","labels":[0,1]}\n{"image":"t1","labels":[1,0]}\n',
  /line 1: the cells hold 2 numbers each/,
);
add(
  "lists of probabilities",
  "-",
  "labels.csv",
  'image,labels\nt0,"[0.9, 0.1]"\nt1,"[0.2, 0.8]"\n',
  /line 2: the cells hold 2 numbers each \(0.9 0.1\)/,
);
add(
  "tags with scores",
  "-",
  "labels.csv",
  oddTable("image,tags", (tags) => tags.map((tag) => `${tag}:0.7`).join(" ")),
  /line 2: "clear:0.7" is no tag: it holds a score/,
);
add(
  "objects with scores in JSON lines",
  "Hugging Face, pipelines",
  "labels.jsonl",
  objects((image, tags) => ({
    image,
    labels: TAGS.map((label) => ({ label, score: tags.includes(label) ? 0.9 : 0.1 })),
  })),
  /line 1: \{"label":"clear","score":0.9\}.*without a score/,
);
add(
  "objects of true and false in JSON lines",
  "-",
  "labels.jsonl",
  objects((image, tags) => ({ image, labels: TAGS.map((name) => ({ name, value: tags.includes(name) })) })),
  /line 1: \{"name":"primary","value":false\}.*without a score/,
);
add(
  "arrays as NumPy's repr writes them",
  "NumPy",
  "labels.csv",
  oddTable("image,labels", (tags) => `"array([${tags.map((tag) => `'${tag}'`).join(", ")}], dtype=object)"`),
  /line 2: "array\(\['clear'" is no tag: its quotes or brackets/,
);
add(
  "tags in single quotes",
  "-",
  "labels.csv",
  oddTable("image,tags", (tags) => `'${tags.join(" ")}'`),
  /line 2: "'clear" is no tag: its quotes or brackets/,
);
add(
  "statements of SQL",
  "database dumps",
  "labels.sql",
  lines((name, tags) => `INSERT INTO labels VALUES ('${name}', '${tags.join(" ")}');`),
  /line 1: .* is no tag: its quotes or brackets/,
);
add(
  "the header twice, of two files in one",
  "cat",
  "labels.csv",
  `${plain()}image_name,tags\nt9,road\n`,
  /line 8: the header comes again/,
);
add(
  "a title above the header",
  "spreadsheets",
  "labels.csv",
  `My labels,\n${plain()}`,
  /line 2: looks like the header/,
);
add(
  "row numbers that the header does not count",
  "R, write.table",
  "labels.csv",
  lines((name, tags, i) => `"${i + 1}","${name}","${tags.join(" ")}"`, '"image","tags"'),
  /line 2: all rows have one cell more than the header/,
);
add(
  "a comma at the end of rows",
  "spreadsheets",
  "labels.csv",
  oddTable("image_name,tags", (tags) => `${tags.join(" ")},`),
);
add(
  "a table of Markdown",
  "Markdown",
  "labels.md",
  lines((name, tags) => `| ${name} | ${tags.join(" ")} |`, "| image | tags |\n|---|---|"),
  /line 2: "---" is no tag/,
);
add("`-` for tags", "-", "labels.csv", "image,tags\nt0,clear\nt1,-\n", /line 3: "-" is no tag/);
add(
  "`none` for tags",
  "-",
  "labels.csv",
  "image,tags\nt0,clear\nt1,none\nt2,clear\nt3,none\n",
  { t0: ["clear"], t1: ["none"], t2: ["clear"], t3: ["none"] },
  { doubts: ["ABSENT"] },
);
add(
  "tags by something else, not said",
  "-",
  "labels.csv",
  "image,tags\nt0,clear+road\nt1,clear\nt2,road\nt3,clear+road\n",
  { t0: ["clear+road"], t1: ["clear"], t2: ["road"], t3: ["clear+road"] },
  { doubts: ["JOINED_TAGS"] },
);
add(
  "a column for each tile",
  "-",
  "labels.csv",
  "tag,t0.jpg,t1.jpg\nclear,1,1\nroad,1,0\n",
  /line 1: "t0.jpg" is no tag: it is the name of a file/,
);
add(
  "captions",
  "Hugging Face, captions",
  "metadata.csv",
  oddTable("file_name,text", (tags) => `a photo of ${tags.join(" and ")}`),
  /line 2: the tags may be in "text"/,
);
add(
  "a class with spaces, the first after 600 tiles",
  "-",
  "labels.csv",
  `image,class\n${Array.from({ length: 600 }, (_, i) => `t${i},${TAGS[i % 3]}`).join("\n")}\nx,bare soil\n`,
  /line 602: "bare soil" in the column "class" is one tag with spaces in it, or several/,
);
add(
  "a row for each tag, also for those that do not apply",
  "Open Images, human-verified labels",
  "labels.csv",
  `ImageID,Source,LabelName,Confidence\n${NAMES.flatMap((name) => TAGS.map((tag) => `${name},verification,${tag},${TRUTH[name].includes(tag) ? 1 : 0}`)).join("\n")}\n`,
  "read",
  { options: { labelFormat: "long" }, said: "`--label-format long`" },
);
add(
  "a part before the name, without a header",
  "Vertex AI, CSV",
  "labels.csv",
  lines((name, tags, i) => `${["TRAIN", "TEST", "UNASSIGNED"][i % 3]},gs://bucket/${name}.jpg,${tags.join(",")}`),
);
add(
  "a part that is called as nothing should be",
  "-",
  "labels.csv",
  "image,tags,split\nt0,clear,constructor\n",
  /the column "split" holds "constructor"/,
  { options: { split: "split" } },
);

add(
  "a column for each tag, with -1 for what nobody knows, beside a text",
  "CheXpert",
  "labels.csv",
  oddTable("Path,Sex,clear,road", (_, i) => `F,${i % 2},${-(i % 2)}`),
  /line 2: the tags may be in "Sex" or "clear" or "road"/,
);
add(
  "COCO with two pictures of one id",
  "COCO",
  "labels.json",
  COCO.replace('"id":11', '"id":10'),
  /there are two of image 10/,
);
add(
  "COCO with two categories of one id",
  "COCO",
  "labels.json",
  COCO.replace('"id":2,"name"', '"id":1,"name"'),
  /there are two of category 1/,
);
/** Of four tiles. */
const CLASS_NAMES = ["tench, Tinca tinca", "goldfish, Carassius auratus", "hen", "tench, Tinca tinca"];

add(
  "JSON lines of another extension",
  "SageMaker, output.manifest",
  "labels.manifest",
  objects((name, tags) => ({ "source-ref": `s3://bucket/${name}.jpg`, labels: tags })),
);
add(
  "JSON lines with a comma among single labels",
  "-",
  "labels.jsonl",
  '{"image":"t0","label":"clear, road"}\n{"image":"t1","label":"road"}\n{"image":"t2","label":"clear"}\n{"image":"t3","label":"clear, road"}\n',
  { t0: ["clear", "road"], t1: ["road"], t2: ["clear"], t3: ["clear", "road"] },
);
add(
  "the same as CSV",
  "spreadsheets",
  "labels.csv",
  'image,label\nt0,"clear, road"\nt1,road\nt2,clear\nt3,"clear, road"\n',
  { t0: ["clear", "road"], t1: ["road"], t2: ["clear"], t3: ["clear", "road"] },
);
for (const [kind, file, text] of [
  ["JSON lines", "labels.jsonl", CLASS_NAMES.map((label, i) => JSON.stringify({ image: `t${i}`, label })).join("\n")],
  ["CSV", "labels.csv", `image,label\n${CLASS_NAMES.map((label, i) => `t${i},"${label}"`).join("\n")}`],
] as const) {
  add(
    `${kind} of class names with commas`,
    "ImageNet",
    file,
    `${text}\n`,
    { t0: ["tench,_Tinca_tinca"], t1: ["goldfish,_Carassius_auratus"], t2: ["hen"], t3: ["tench,_Tinca_tinca"] },
    { doubts: ["ONE_TAG_EACH", "RESPELLED"] },
  );
}

add(
  "a column that says which tiles are labelled, beside one for each tag",
  "labelling tools",
  "labels.csv",
  lines((name, tags, i) => `${bits(name, tags)},${i === 3 ? 0 : 1}`, "image,clear,primary,road,labelled"),
  { ...TRUTH, t3: undefined as never },
  { doubts: ["UNLABELLED"] },
);
add(
  "a column that says which tiles are labelled, beside tags",
  "labelling tools",
  "labels.csv",
  lines((name, tags) => `${name},true,${tags.join(" ")}`, "image,is_labeled,tags"),
);
const feature = (name: string, tags: readonly string[]) => ({
  type: "Feature",
  geometry: { type: "Point", coordinates: [1, 2] },
  properties: { file_name: `${name}.tif`, labels: tags },
});
add("GeoJSON, a feature on each line", "RFC 8142", "labels.geojsonl", objects(feature));
add(
  "GeoJSON, a sequence with separators",
  "RFC 8142",
  "labels.geojsons",
  lines((name, tags) => `\u001e${json(feature(name, tags))}`),
);
add(
  "GeoJSON, a collection",
  "RFC 7946",
  "labels.geojson",
  json({ type: "FeatureCollection", features: NAMES.map((name) => feature(name, TRUTH[name])) }),
);
const shard = (members: (name: string, tags: readonly string[]) => [ending: string, data: string][]): Buffer =>
  Buffer.concat([
    ...NAMES.flatMap((name) =>
      [["jpg", "a picture"], ...members(name, TRUTH[name])].map(([ending, data]) =>
        member({ name: `set/${name}.${ending}`, data }),
      ),
    ),
    END,
  ]);
const SHARD_TRUTH = Object.fromEntries(NAMES.map((name) => [name, [TRUTH[name].join("-")]]));
add(
  "a tar with a class beside each picture",
  "WebDataset, .cls",
  "tiles.tar",
  shard((_, tags) => [["cls", `${tags.join("-")}\n`]]),
  SHARD_TRUTH,
);
add(
  "a tar with an object beside each picture",
  "WebDataset, .json",
  "tiles.tar",
  shard((name, tags) => [
    ["json", json({ id: 7, file_name: `raw/${name}_original.png`, width: 4, tags })],
    ["txt", "a caption"],
  ]),
);
add(
  "a compressed tar with a class beside each picture",
  "WebDataset, .cls",
  "tiles.tar.gz",
  gzipSync(shard((_, tags) => [["cls", `${tags.join("-")}\n`]])),
  SHARD_TRUTH,
);
add(
  "a tar with numbers beside the pictures",
  "WebDataset, .cls",
  "tiles.tar",
  shard((_, tags) => [["cls", String(tags.length)]]),
  /numbers do not say which tags are meant/,
);
add(
  "a tar of pictures alone",
  "WebDataset",
  "tiles.tar",
  shard(() => []),
  /is a tar archive without labels/,
);
add(
  "a tar whose labels are damaged",
  "WebDataset",
  "tiles.tar",
  shard(() => [["json", '{"tags": ["a"']]),
  /its member set\/t0\.json is not JSON/,
);
/** Folders. */
const layout = (
  what: string,
  reference: string,
  files: readonly string[],
  gives: LabelInput["gives"],
  more: Partial<LabelInput> = {},
) => add(what, reference, "set", "", gives, { files, ...more });
const CLASSES = ["forest/a.jpg", "forest/b.jpg", "water/c.jpg"];
const BY_CLASS = { a: ["forest"], b: ["forest"], c: ["water"] };
layout("a folder for each tag", "PyTorch, ImageFolder", CLASSES, BY_CLASS);
layout(
  "a folder for each tag in one for each part",
  "Keras, Ultralytics",
  CLASSES.map((file, i) => `${["train", "train", "val"][i]}/${file}`),
  BY_CLASS,
);
layout(
  "pictures and boxes in folders for each part",
  "YOLO, Roboflow",
  ["train/images/a.jpg", "train/labels/a.txt", "valid/images/b.jpg", "valid/labels/b.txt"],
  /a folder images, which says what is in it/,
);
layout(
  "pictures and boxes, then parts",
  "YOLO, Ultralytics",
  ["images/train/a.jpg", "images/val/b.jpg", "labels/train/a.txt"],
  /a folder images, which says what is in it/,
);
layout(
  "pictures and annotations",
  "Pascal VOC",
  ["JPEGImages/a.jpg", "JPEGImages/b.jpg", "Annotations/a.xml"],
  /a folder JPEGImages, which says what is in it/,
);
layout(
  "a folder called images that is meant as a tag",
  "-",
  ["images/a.jpg", "drawings/b.jpg"],
  { a: ["images"], b: ["drawings"] },
  { options: { labelFormat: "folders" }, said: "`--label-format folders`" },
);
layout("pictures without folders", "-", ["a.jpg", "b.jpg"], /holds no labels: expected a folder for each tag/);
layout(
  "parts beside a tag",
  "-",
  ["train/forest/a.jpg", "test/forest/b.jpg", "water/c.jpg"],
  /folders for parts of a data set/,
);

export const INPUTS: readonly LabelInput[] = table;

/** Writes the input into `folder`, and gives its path. */
export function writeInput({ file, content, files = [] }: LabelInput, folder: string): string {
  const path = join(folder, file);
  for (const name of files) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), "");
  }
  if (files.length > 0) return path;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "function" ? content() : content);
  return path;
}
