/** Errors of Redis as sentences. */
import { InputError } from "../errors.js";
import { type RedisAddress, showAddress } from "./redis-address.js";

type Explain = (place: string, code: string, tls: boolean) => string;

const EXPLANATIONS: readonly [kind: RegExp, explain: Explain][] = [
  [
    /^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH)/,
    (place) =>
      `Redis at ${place} does not accept the password: give it in the address (redis://:PASSWORD@host:6379), and that ` +
      "in CANOPY_REDIS or, as `redis: @FILE`, in a file.",
  ],
  [
    /SELF_SIGNED|UNABLE_TO_|CERT_|ALTNAME|certificate/,
    (place, code) =>
      `The certificate of Redis at ${place} is not trusted (${code}): name the file of its authority in ` +
      "NODE_EXTRA_CA_CERTS, and the host as the certificate does.",
  ],
  [
    /ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPROTO|ERR_SSL|Connection is closed/,
    (place, _, tls) =>
      `Redis does not answer at ${place}: is it running, and ${tls ? "with" : "without"} TLS (rediss:// is with it)?`,
  ],
];

/** For `catch` around work with Redis. Other errors stay as they are, without the password in their properties. */
export function explainRedisError(error: unknown, address: RedisAddress): unknown {
  if (!(error instanceof Error)) return error;
  const cause = withoutCommand(error);
  const { code = "", message } = cause as NodeJS.ErrnoException;
  const [, explain] = EXPLANATIONS.find(([kind]) => kind.test(code) || kind.test(message)) ?? [];
  return explain === undefined ? cause : new InputError(explain(showAddress(address), code, address.tls), { cause });
}

/** ioredis attaches the refused command to its error. AUTH and HELLO contain the password, which logs would print. */
function withoutCommand(error: Error): Error {
  delete (error as Error & { command?: unknown }).command;
  return error;
}
