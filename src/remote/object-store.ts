/** Objects of Amazon S3, of stores that speak as it does, and of Google Cloud Storage: where they are, and the user's keys. */
import { InputError } from "../errors.js";
import { insist, PATIENCE } from "./patience.js";
import { RemoteError, refused, unreachable } from "./request-error.js";

/** Bytes of a page: the longest thousand keys take a quarter of it. */
const MOST_PAGE = 16 << 20;

/** `s3://bucket/key`, `gs://bucket/key`. */
export interface StoredObject {
  store: "s3" | "gs";
  bucket: string;
  /** As it is called: nothing in it is escaped. */
  key: string;
}

/** Throws an InputError if `address` names no bucket. */
export function parseObject(address: string): StoredObject {
  const [, store, bucket, key = ""] = /^(s3|gs):\/\/([^/]+)(?:\/(.*))?$/is.exec(address) ?? [];
  if (bucket === undefined) throw new InputError(`${address} names no bucket: write s3://BUCKET/KEY.`);
  return { store: store.toLowerCase() as StoredObject["store"], bucket, key };
}

/** Where to ask for an object, with the headers that the user's keys sign; without keys only what is public can be read. */
export async function locateObject(address: string): Promise<{ url: string; headers: Record<string, string> }> {
  const { store, bucket, key } = parseObject(address);
  if (key.split("/").some((part) => part === "." || part === "..")) {
    throw new RemoteError(
      address,
      "its key has . or .. for a folder, which addresses of the web cannot have: rename it",
    );
  }
  return signed(store, `${bucketUrl(store, bucket)}/${escapeKey(key)}`);
}

/** The addresses of the objects below the prefix `address`, which ends with a slash; page by page. Throws a RemoteError. */
export async function* listObjects(address: string, signal?: AbortSignal): AsyncGenerator<string> {
  const { store, bucket, key } = parseObject(address);
  // XML has no way to write some keys; a store that cannot escape them does not say so.
  const query = new URLSearchParams({ "list-type": "2", "encoding-type": "url", prefix: key });
  for (;;) {
    const page = await insist(() => readPage(address, `${bucketUrl(store, bucket)}/?${query}`, store, signal), signal);
    const isEscaped = /<EncodingType>url</i.test(page);
    for (const [, text] of page.matchAll(/<Key>([^<]*)<\/Key>/g)) {
      const name = isEscaped ? unescaped(address, text) : plain(text);
      if (!name.endsWith("/")) yield `${store}://${bucket}/${name}`;
    }
    const text = /<NextContinuationToken>([^<]*)</.exec(page)?.[1];
    if (text === undefined) return;
    const next = plain(text);
    if (next === query.get("continuation-token")) throw new RemoteError(address, "its server lists one page for ever");
    query.set("continuation-token", next);
  }
}

function unescaped(address: string, text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new RemoteError(address, `its server lists the key ${text}, which is not escaped as it says`);
  }
}

const LAST_SIGN = 0x10ffff;

/** The text of an XML element. */
function plain(text: string): string {
  const signs: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(amp|lt|gt|quot|apos));/gi, (all, decimal, hex, name) => {
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    if (name) return signs[name.toLowerCase()];
    return code <= LAST_SIGN ? String.fromCodePoint(code) : all;
  });
}

async function readPage(address: string, url: string, store: StoredObject["store"], signal?: AbortSignal) {
  const { headers } = await signed(store, url);
  const silence = AbortSignal.timeout(PATIENCE.silence);
  const stop = signal === undefined ? silence : AbortSignal.any([signal, silence]);
  try {
    const response = await fetch(url, { headers, signal: stop, redirect: "manual" });
    const text = await textOf(address, response);
    if (response.status !== 200) throw refused(address, response, objectAdvice(address, response));
    if (!text.includes("<ListBucketResult")) {
      throw new RemoteError(address, "its server answers with something else than a list of objects");
    }
    return text;
  } catch (cause) {
    throw cause instanceof RemoteError ? cause : unreachable(address, cause, stop);
  }
}

async function textOf(address: string, { body }: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body ?? []) {
    bytes += piece.length;
    if (bytes > MOST_PAGE) throw new RemoteError(address, "its server answers with a list that does not end");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** The bucket's address, in the ways that tools of the field are told another server (MinIO, an emulator). */
function bucketUrl(store: StoredObject["store"], bucket: string): string {
  const { env } = process;
  if (store === "gs") return `${server(env["STORAGE_EMULATOR_HOST"] ?? "https://storage.googleapis.com")}/${bucket}`;
  const other = env["AWS_ENDPOINT_URL_S3"] || env["AWS_ENDPOINT_URL"];
  if (other) return `${server(other)}/${bucket}`;
  const host = `s3.${region()}.amazonaws.com`;
  // The certificate is not one of names with further dots.
  return bucket.includes(".") ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
}

function server(address: string): string {
  return (address.includes("://") ? address : `http://${address}`).replace(/\/+$/, "");
}

function region(): string {
  return process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"] || "us-east-1";
}

function escapeKey(key: string): string {
  const escaped = (part: string) =>
    encodeURIComponent(part).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return key.split("/").map(escaped).join("/");
}

/** Signature version 4 of S3, which Google's XML interface takes with HMAC keys, too; or a bearer token of Google's. */
async function signed(store: StoredObject["store"], url: string) {
  const { env } = process;
  const token = env["GOOGLE_OAUTH_ACCESS_TOKEN"];
  if (store === "gs" && token) return { url, headers: { authorization: `Bearer ${token}` } };
  const [id, secret] =
    store === "gs" ? ["GS_ACCESS_KEY_ID", "GS_SECRET_ACCESS_KEY"] : ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
  const [accessKeyId, secretAccessKey] = [env[id], env[secret]];
  if (!accessKeyId || !secretAccessKey) return { url, headers: {} };
  const { AwsV4Signer } = await import("aws4fetch");
  const sessionToken = store === "s3" ? env["AWS_SESSION_TOKEN"] : undefined;
  const place = { service: "s3", region: store === "s3" ? region() : "auto" };
  const signer = new AwsV4Signer({
    url,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    ...place,
  });
  const { headers } = await signer.sign();
  return { url, headers: Object.fromEntries(headers) };
}

/** What the user of an object may do about an answer of its server. */
export function objectAdvice(address: string, { status, headers }: Response): string {
  const home = headers.get("x-amz-bucket-region");
  if (home && home !== region() && status >= 300) return `; its bucket is in the region ${home}: set AWS_REGION`;
  const keys = /^s3:/i.test(address) ? "AWS_ACCESS_KEY_ID" : "GS_ACCESS_KEY_ID";
  const has = process.env[keys] || (keys.startsWith("GS") && process.env["GOOGLE_OAUTH_ACCESS_TOKEN"]);
  return (status === 401 || status === 403) && !has
    ? `; no ${keys} is set, so that only public objects can be read`
    : "";
}
