/** Names of columns with tiles' names, tags, or the part of the data set: only letters and digits, in lower case. */

/** Likelier ones first: if there are a file name and an id, the file name is meant. */
export const NAME_WORDS: readonly string[] = [
  ...["filename", "imagename", "imagefilename", "imagefile", "imgname", "imgfile", "tilename", "tilefile"],
  ...["imagepath", "imgpath", "filepath", "tilepath", "imagegcsuri", "imageurl", "imageuri"],
  ...["image", "img", "file", "path", "tile", "url", "uri"],
  ...["patchid", "patchname", "patch", "imageid", "imgid", "tileid", "id", "name", "key"],
];

const TAG_WORDS: ReadonlySet<string> = new Set([
  ...["tag", "label", "class", "category", "tagname", "labelname", "classname", "categoryname"],
  ...["tags", "labels", "classes", "categories", "tagnames", "labelnames", "classnames", "categorynames"],
  ...["cls", "target", "targets", "keywords", "choice", "choices", "displayname", "displaynames"],
  ...["classificationannotation", "classificationannotations", "groundtruth"],
]);

/** Of these columns a cell is probably one tag. */
export function isSingular(header: string): boolean {
  return TAG_WORDS.has(toWord(header)) && !toWord(header).endsWith("s") ? true : toWord(header) === "class";
}

const SPLIT_WORDS: ReadonlySet<string> = new Set([
  ...["split", "set", "subset", "partition", "usage", "mluse"],
  ...["isvalid", "isval", "istest", "istrain"],
]);

const STATES: ReadonlySet<string> = new Set([
  ...["labelled", "labeled", "islabelled", "islabeled", "haslabel", "haslabels", "hastags"],
  ...["tagged", "istagged", "annotated", "isannotated", "classified"],
]);

/** A column that says whether a tile has labels at all. */
export function isStateWord(header: string): boolean {
  return STATES.has(toWord(header));
}

const CONTENTS: ReadonlySet<string> = new Set([
  ...["image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "tile", "tiles", "patches", "chips"],
  ...["jpegimages", "jpg", "jpgs", "jpeg", "jpegs", "png", "pngs", "tif", "tiff", "data", "dataset", "raw", "all"],
  ...["labels", "annotations", "masks"],
]);

/** A folder called after what it holds, as in YOLO's and VOC's layouts. */
export function isContentWord(folder: string): boolean {
  return CONTENTS.has(toWord(folder));
}

export function isNameWord(header: string): boolean {
  return NAME_WORDS.includes(toWord(header));
}

/** `tags`, and `tag1`, `label_2`: one of several columns of tags. */
export function isTagWord(header: string): boolean {
  const word = toWord(header);
  return TAG_WORDS.has(word) || TAG_WORDS.has(word.replace(/\d+$/, ""));
}

export function isSplitWord(header: string): boolean {
  return SPLIT_WORDS.has(toWord(header));
}

/** Words for columns of numbers that are neither names nor tags, so that they cannot be mistaken for probabilities. */
const MEASURES: ReadonlySet<string> = new Set([
  ...["width", "height", "lat", "lon", "lng", "latitude", "longitude", "x", "y", "xmin", "xmax", "ymin", "ymax"],
  ...[
    "row",
    "col",
    "column",
    "size",
    "area",
    "bands",
    "channels",
    "year",
    "month",
    "day",
    "fold",
    "index",
    "timestamp",
  ],
  ...[
    "nlabels",
    "numlabels",
    "ntags",
    "numtags",
    "labelcount",
    "tagcount",
    "cloudcover",
    "resolution",
    "gsd",
    "epsg",
    "zoom",
    "confidence",
    "labelconfidence",
    "score",
    "leadtime",
  ],
]);

export function isMeasureWord(header: string): boolean {
  return MEASURES.has(toWord(header));
}

export function isConfidenceWord(header: string): boolean {
  return ["confidence", "labelconfidence"].includes(toWord(header));
}

const PROSE: ReadonlySet<string> = new Set([
  "text",
  "caption",
  "captions",
  "description",
  "comment",
  "comments",
  "notes",
]);

/** Sentences, of which the words are no tags. */
export function isProseWord(header: string): boolean {
  return PROSE.has(toWord(header));
}

export function toWord(header: string): string {
  return header.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
