/** Addresses of remote files, and what of them may be shown. */
import { InputError } from "../errors.js";

/** Whether `path` is on a server: an address of the web, or of an object in a store. */
export function isRemote(path: string): boolean {
  return isWeb(path) || isObject(path);
}

/** Of a web server. Signs such as %20 stand for others in it. */
export function isWeb(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** Of Amazon S3 or Google Cloud Storage. */
export function isObject(path: string): boolean {
  return /^(s3|gs):\/\//i.test(path);
}

/** The part of a path that says what it is: of an address of the web without query. */
export function placeOf(path: string): string {
  return isWeb(path) ? path.replace(/[?#].*$/s, "") : path;
}

/** An address without server or bucket. */
export function pathOf(address: string): string {
  return isObject(address) ? address.replace(/^\w+:\/\/[^/]*/, "") : new URL(address).pathname;
}

/** Parameters of signatures and tokens, by their names. */
const SECRET = /sig|token|key|secret|credential|auth|pass|policy|expires|^x-(amz|goog)-|^s[etprvikd]t?$/i;

/** What is spoken to, by what is shown. */
const known = new Map<string, string>();

/**
 * `url` without user, password and signature, as all messages, outputs and run records have it; this process remembers
 * what it stands for. Throws an InputError if it is no address.
 */
export function conceal(url: string): string {
  // Keys of stores come from the environment.
  if (isObject(url)) return url;
  if (!URL.canParse(url)) throw new InputError("An input begins like an address of the web, and is none.");
  const address = new URL(url);
  const shown = new URL(address);
  shown.username = "";
  shown.password = "";
  shown.hash = "";
  for (const name of [...shown.searchParams.keys()]) if (SECRET.test(name)) shown.searchParams.delete(name);
  if (shown.href !== address.href) known.set(shown.href, address.href);
  return shown.href;
}

/** What to speak to for an address as it is shown: the address, and headers with user and password. */
export function reveal(shown: string): { url: string; headers: Record<string, string> } {
  const address = new URL(known.get(shown) ?? shown);
  const { username, password } = address;
  if (username === "" && password === "") return { url: address.href, headers: {} };
  address.username = "";
  address.password = "";
  const pair = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  return { url: address.href, headers: { authorization: `Basic ${pair}` } };
}
