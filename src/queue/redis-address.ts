/** The address of Redis. Its password is never shown, neither in messages nor in properties of errors. */
import { readFile } from "node:fs/promises";
import { InputError, OptionError } from "../errors.js";

export interface RedisAddress {
  host: string;
  port: number;
  /** Number of the database. */
  db: number;
  username: string | undefined;
  password: string | undefined;
  tls: boolean;
}

/** The address: the first line of FILE for `@FILE`, else the text itself. */
export async function readAddress(redis: string): Promise<RedisAddress> {
  if (!redis.startsWith("@")) return parseAddress(redis);
  const path = redis.slice(1);
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new InputError(`${path}, which is to hold the address of Redis, cannot be read (${cause.code}).`, { cause });
  });
  return parseAddress(text.split(/\r?\n/)[0].trim(), path);
}

/** `redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`; up to the last @, all but the first colon is the password. */
const ADDRESS =
  /^redis(?<tls>s?):\/\/(?:(?<user>[^:]*?)(?::(?<password>.*))?@)?(?<host>\[[\da-f:.]+\]|[^\s:/?#@[\]]+)(?::(?<port>\d{1,5}))?(?:\/(?<db>\d*))?$/i;

function parseAddress(text: string, file?: string): RedisAddress {
  const { tls, user, password, host, port, db } = ADDRESS.exec(text)?.groups ?? {};
  if (host === undefined || Number(port ?? 0) > 65535) {
    const found = file === undefined ? "" : ` in ${file}`;
    throw new OptionError(
      `Expected \`redis\` to be an address such as redis://host:6379 or rediss://:PASSWORD@host:6379/0${found}; what ` +
        "was found is not shown, because a password may be in it.",
    );
  }
  return {
    host: host.replaceAll(/[[\]]/g, ""),
    port: Number(port ?? 6379),
    db: Number(db || 0),
    username: decode(user),
    password: decode(password),
    tls: tls !== "",
  };
}

/** Percent-decoded (%40), or as it is if that is not possible. */
function decode(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** For messages. */
export function showAddress({ tls, host, port }: RedisAddress): string {
  return `redis${tls ? "s" : ""}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether the command line contains a password, which others on this machine could read. */
export function showsPassword(redis: string): boolean {
  return ADDRESS.exec(redis)?.groups?.["password"] !== undefined;
}
