/** Which thumbnails fit into the page, and how one is shown. */
import type { Picture } from "./data.js";
import { type Html, html } from "./html.js";

/** Shows pictures, or says how many bytes showing them would take. */
export interface Album {
  /** The picture of a tile. Without one: an empty box, or nothing in a report without pictures. */
  show(name: string, alternative: string): Html | false;
}

/** Pixels per side on the page, as the style sheet has it. */
const SHOWN_SIZE = 112;

const SOURCE = /^data:image\/(?:webp|jpeg|png);base64,[A-Za-z0-9+/=]+$/;

/**
 * An album of the `wanted` pictures, in this order, up to `budget` bytes. A tile shown in several places is embedded,
 * and counted, once for each: `wanted` names it as often.
 */
export function createAlbum(pictures: readonly Picture[], wanted: readonly string[], budget: number): Album {
  const sources = new Map(
    pictures.filter(({ source }) => SOURCE.test(source)).map(({ name, source }) => [name, source]),
  );
  const uses = new Map<string, number>();
  for (const name of wanted) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  let left = budget;
  const affordable = new Map<string, string>();
  for (const [name, times] of uses) {
    const source = sources.get(name);
    const cost = (source?.length ?? 0) * times;
    if (source !== undefined && cost <= left) {
      left -= cost;
      affordable.set(name, source);
    }
  }
  return { show: (name, alternative) => sources.size > 0 && showPicture(affordable.get(name), alternative) };
}

function showPicture(source: string | undefined, alternative: string): Html {
  return source === undefined
    ? html`<span class="no-picture" role="img" aria-label="${alternative}, no picture"></span>`
    : html`<img src="${source}" alt="${alternative}" width="${SHOWN_SIZE}" height="${SHOWN_SIZE}" decoding="async">`;
}
