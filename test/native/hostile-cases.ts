/** What a hostile caller passes to each function of the addon; hostile-run.ts goes through it, in a process for each function. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addon, OPTIONS, waves } from "./support.js";

/** Arguments for one call, made anew for each, since calls may spoil them. */
type MakeArguments = () => unknown[];

export interface HostileCases {
  /** Arguments that are fine. Each of them, and each property of objects, is then replaced by what is not. */
  good: MakeArguments;
  /** Must be refused, beside what `good` with one replacement gives. */
  refused?: Record<string, MakeArguments>;
  /** Odd: it may be refused or not, but must not fall over. `after` runs once the call has returned. */
  survived?: Record<string, () => { args: unknown[]; after?: (result: unknown) => void }>;
}

const SIZE = 8;
const options = () => ({ ...OPTIONS, size: SIZE });
const target = (tiles = 1) => new Uint8Array(tiles * SIZE * SIZE * 3);
const ABSENT = join(fileURLToPath(import.meta.url), "absent.jpg");
const tile = () => ({ path: ABSENT, offset: 0, byteLength: 10 });

/** A Planet tile of 16 x 16. */
function planetTile(): Uint8Array {
  return addon().encodePlanetJpeg(waves(16, 16, 4).fill(255, 0, 4), 16, 16, 80);
}

function detach<T extends ArrayBufferView>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

/** A tile whose path runs `act` when it is read. */
function trap(act: () => void): object {
  return {
    get path() {
      act();
      return ABSENT;
    },
  };
}

const ROWS = 5;
const FEATURES = 3;
const TAGS = 2;
const WEIGHTS = FEATURES * TAGS;
const features = () => ({
  data: new Float32Array(ROWS * FEATURES).fill(0.5),
  rows: ROWS,
  numFeatures: FEATURES,
  mean: new Float32Array(FEATURES),
  scale: new Float32Array(FEATURES).fill(1),
});
const head = () => ({ weight: new Float32Array(WEIGHTS), bias: new Float32Array(TAGS), numTags: TAGS });
const state = () => ({
  weight: new Float32Array(WEIGHTS),
  bias: new Float32Array(TAGS),
  moments: [new Float32Array(WEIGHTS + TAGS), new Float32Array(WEIGHTS + TAGS)],
  iterations: 0,
});
const settings = () => ({
  optimizer: "adam",
  numTags: TAGS,
  batchSize: 2,
  learningRate: 0.01,
  momentum: 0,
  rho: 0.9,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-7,
  nesterov: false,
});
const labels = () => new Uint8Array(ROWS * TAGS);
const order = () => Uint32Array.of(0, 4, 2, 1, 3);
const targets = () => ({ labels: labels(), numTags: TAGS, folds: new Uint8Array(ROWS) });
const outputs = (problems: number) => ({
  losses: new Float64Array(problems),
  gradients: new Float32Array(problems * (FEATURES + 1)),
});
const problems = () => Int32Array.of(0, -1, 1, 2);
const weights = () => new Float32Array(2 * (FEATURES + 1));
/** Sizes whose product is 0 in 64 bits, so that any array seems to be long enough. */
const HUGE = { rows: 2 ** 40, numFeatures: 2 ** 24 };
const hugeFeatures = () => ({ data: new Float32Array(1), ...HUGE });

/** A network of one convolution and a mean. */
const plan = () => ({
  input: { order: [0, 1, 2], factor: [1, 1, 1], offset: [0, 0, 0] },
  values: [
    [SIZE, SIZE, 3],
    [SIZE, SIZE, FEATURES],
    [1, 1, FEATURES],
  ],
  parameters: [
    { sizes: [FEATURES, 9, 3], strides: [27, 1, 9], trainable: true },
    { sizes: [TAGS, 1, FEATURES], strides: [1, 0, TAGS], trainable: true },
    { sizes: [1, 1, TAGS], strides: [0, 0, 1], trainable: true },
  ],
  operations: [
    { kind: "convolution", inputs: [0], output: 1, weight: 0, window: [3, 3, 1, 1, 1, 1] },
    { kind: "mean", inputs: [1], output: 2 },
  ],
  features: 2,
  numTags: TAGS,
  batchSize: 4,
});
type Plan = ReturnType<typeof plan>;
/** A trainer's arguments with a plan that is spoilt. */
const spoilt = (spoil: (plan: Plan) => void) => () => {
  const made = plan();
  spoil(made);
  return [made, 1, "portable"];
};

/** `args` whose arrays nobody else holds, for a call after which rubbish is collected. */
const dropped = (args: unknown[], given: object, name: string) => ({
  args,
  after: () => {
    Reflect.set(given, name, undefined);
    globalThis.gc?.();
  },
});

export const HOSTILE: Record<string, HostileCases> = {
  returnFreedMemory: { good: () => [] },
  disableTelemetry: { good: () => [] },
  createTrainer: {
    good: () => [plan(), 1, "portable"],
    refused: {
      "kernels that no CPU has": () => [plan(), 1, "avx1024"],
      "a parameter whose strides leave its tensor": spoilt(({ parameters }) => parameters[0].strides.fill(100)),
      "a map of no pixels": spoilt(({ values }) => values[1].fill(0)),
      "a map larger than any memory": spoilt(({ values }) => values[1].fill(2 ** 30)),
      "a window that leaves its map": spoilt(({ values }) => values[1].fill(100, 0, 2)),
      "padding by more than a window": spoilt(({ operations }) => operations[0].window?.fill(9, 4)),
      "strides of zero": spoilt(({ operations }) => operations[0].window?.fill(0, 2, 4)),
      "weights that are another's": spoilt(({ operations }) => Object.assign(operations[0], { weight: 1 })),
      "weights that are none": spoilt(({ operations }) => Object.assign(operations[0], { weight: 7 })),
      "an operation of unknown kind": spoilt(({ operations }) => Object.assign(operations[0], { kind: "guess" })),
      "a value used before it is made": spoilt(({ operations }) => operations.reverse()),
      "a value made twice": spoilt(({ operations }) => operations.push(operations[1])),
      "a mean of the tiles": spoilt(({ operations }) => operations[1].inputs.fill(0)),
      "values that are none": spoilt(({ operations }) => operations[1].inputs.fill(9)),
      "a head that does not fit": spoilt((made) => Object.assign(made, { numTags: 3 })),
      "features that are a map": spoilt((made) => Object.assign(made, { features: 1 })),
      "features that are the tiles": spoilt((made) => {
        made.values[0].fill(1, 0, 2);
        Object.assign(made, { operations: [], features: 0 });
      }),
      "a mean of two maps": spoilt(({ operations }) => operations[1].inputs.push(1)),
      "colours that are none": spoilt(({ input }) => input.order.fill(3)),
    },
    survived: {
      "lists that shrink while they are read": () => {
        const made = plan();
        Object.defineProperty(made.values, 0, {
          get: () => {
            made.values.length = 1;
            return [SIZE, SIZE, 3];
          },
        });
        return { args: [made, 1, "portable"] };
      },
    },
  },
  decodeFiles: {
    good: () => [[tile()], target(), options()],
    refused: {
      "more tiles than any memory holds": () => [new Array(2 ** 32 - 1), target(), { ...options(), size: 65535 }],
      "a target that one tile is too short": () => [[tile(), tile()], target(), options()],
      "a detached target": () => [[tile()], detach(target()), options()],
      "a target that is detached while tiles are read": () => {
        const place = target(2);
        return [[tile(), trap(() => detach(place))], place, options()];
      },
      "tiles that vanish while they are read": () => {
        const tiles = [trap(() => tiles.splice(0)), tile()];
        return [tiles, target(2), options()];
      },
    },
    survived: {
      "a zero byte in a path": () => ({
        args: [[{ path: `${fileURLToPath(import.meta.url)}\0` }], target(), options()],
      }),
      "a call within a call": () => {
        const inner = trap(() => addon().decodeFiles([tile()], target(), options()));
        return { args: [[tile(), inner], target(2), options()] };
      },
      "failures that a setter of the prototype takes": () => {
        const place = target(2);
        Object.defineProperty(Object.prototype, "code", { set: () => detach(place), configurable: true });
        return {
          args: [[tile(), tile()], place, options()],
          after: () => Reflect.deleteProperty(Object.prototype, "code"),
        };
      },
    },
  },
  decodeBytes: {
    good: () => [planetTile(), target(), options()],
    refused: {
      "a target that options detach": () => {
        const place = target();
        return [
          planetTile(),
          place,
          {
            ...options(),
            get size() {
              detach(place);
              return SIZE;
            },
          },
        ];
      },
    },
    survived: {
      "bytes within the target": () => {
        const place = new Uint8Array(4096);
        place.set(planetTile());
        return { args: [place.subarray(0, planetTile().length), place, options()] };
      },
      "no bytes": () => ({ args: [new Uint8Array(0), target(), options()] }),
      "shared memory": () => ({ args: [new Uint8Array(new SharedArrayBuffer(64)), target(), options()] }),
      "detached bytes": () => ({ args: [detach(planetTile()), target(), options()] }),
    },
  },
  decodeFull: {
    good: () => [planetTile(), options()],
    survived: {
      "detached bytes": () => ({ args: [detach(planetTile()), options()] }),
      "another Uint8Array": () => {
        const { Uint8Array: kept } = globalThis;
        const args = [planetTile(), options()];
        globalThis.Uint8Array = Float64Array as unknown as Uint8ArrayConstructor;
        return {
          args,
          after: () => {
            globalThis.Uint8Array = kept;
          },
        };
      },
    },
  },
  inspectJpeg: { good: () => [planetTile(), options()] },
  resizeRgb: {
    good: () => [waves(9, 7, 3), 9, 7, target(), SIZE, true],
    refused: {
      "sizes beyond the arrays": () => [waves(9, 7, 3), 65535, 65535, target(), SIZE, true],
      "a result beyond the target": () => [waves(9, 7, 3), 9, 7, target(), 65535, true],
      "a target within the source": () => {
        const both = new Uint8Array(1024);
        return [both, 9, 7, both.subarray(100), SIZE, true];
      },
    },
  },
  encodePlanetJpeg: {
    good: () => [waves(16, 16, 4), 16, 16, 80],
    refused: {
      "sizes beyond the array": () => [waves(16, 16, 4), 65535, 65535, 80],
      "a quality of 101": () => [waves(16, 16, 4), 16, 16, 101],
    },
  },
  aliasShared: {
    good: () => [new Uint8Array(new SharedArrayBuffer(64))],
    refused: {
      "memory that is not shared": () => [new Uint8Array(64)],
      "a detached array": () => [detach(new Uint8Array(64))],
      "a buffer that pretends": () => {
        const view = new Uint8Array(64);
        Object.defineProperty(view, "buffer", { value: new SharedArrayBuffer(64) });
        return [view];
      },
    },
    survived: {
      "an alias that outlives what it is of": () => ({
        args: [new Uint8Array(new SharedArrayBuffer(64 << 20))],
        after: (alias) => {
          for (let i = 0; i < 3; i++) globalThis.gc?.();
          new Uint8Array(alias as ArrayBuffer).fill(1);
        },
      }),
    },
  },
  dihedral: {
    good: () => [target(2), target(2), 2, SIZE, 5],
    refused: {
      "a product of 2^64": () => [target(), target(), 2 ** 32, 65535, 0],
      "a detached target": () => [target(2), detach(target(2)), 2, SIZE, 5],
      "an overlap": () => {
        const both = target(3);
        return [both, both.subarray(8), 2, SIZE, 5];
      },
    },
  },
  alterTiles: {
    good: () => [target(2), 2, SIZE, new Int32Array(6)],
    refused: {
      "a product of 2^64": () => [target(), 2 ** 32, 65535, new Int32Array(6)],
      "detached tiles": () => [detach(target(2)), 2, SIZE, new Int32Array(6)],
      "too few looks": () => [target(2), 2, SIZE, new Int32Array(5)],
    },
  },
  benchStage: {
    good: () => ["read", [], options()],
    survived: {
      "tiles that grow while they are read": () => {
        const tiles: object[] = [
          trap(() => {
            for (let i = 0; i < 1000 && tiles.length < 1000; i++) tiles.push(tile());
          }),
        ];
        return { args: ["read", tiles, options()] };
      },
    },
  },
  trainSteps: {
    good: () => [state(), features(), labels(), order(), settings()],
    refused: {
      "a product of 2^64": () => [state(), hugeFeatures(), labels(), order(), settings()],
      "labels of too few tags": () => [state(), features(), labels(), order(), { ...settings(), numTags: 2 ** 20 }],
      "a row that is not there": () => [state(), features(), labels(), Uint32Array.of(ROWS), settings()],
      "features that settings detach": () => {
        const given = features();
        return [
          state(),
          given,
          labels(),
          order(),
          {
            ...settings(),
            get epsilon() {
              detach(given.data);
              return 0;
            },
          },
        ];
      },
      "weights within the features": () => {
        const given = features();
        return [{ ...state(), weight: given.data }, given, labels(), order(), settings()];
      },
      "moments that are none": () => [{ ...state(), moments: [1, 2] }, features(), labels(), order(), settings()],
    },
    survived: {
      "an order that changes afterwards": () => {
        const rows = order();
        return { args: [state(), features(), labels(), rows, settings()], after: () => rows.fill(2 ** 32 - 1) };
      },
      "features that are dropped": () => {
        const given = features();
        return dropped([state(), given, labels(), order(), settings()], given, "data");
      },
      "no rows": () => ({
        args: [state(), { ...features(), rows: 0 }, labels(), new Uint32Array(0), { ...settings(), batchSize: 65536 }],
      }),
    },
  },
  headLogits: {
    good: () => [head(), features(), 2, new Float32Array(ROWS * TAGS)],
    refused: {
      "a product of 2^64": () => [head(), hugeFeatures(), 2, new Float32Array(ROWS * TAGS)],
      "logits within the features": () => {
        const given = features();
        return [head(), given, 2, given.data];
      },
    },
    survived: {
      "all the threads there are": () => ({ args: [head(), features(), 2 ** 53 - 1, new Float32Array(ROWS * TAGS)] }),
      "no rows": () => ({ args: [head(), { ...features(), rows: 0 }, 2, new Float32Array(0)] }),
      "features that are dropped": () => {
        const given = features();
        return dropped([head(), given, 2, new Float32Array(ROWS * TAGS)], given, "data");
      },
    },
  },
  headGram: {
    good: () => [features(), 2, new Float64Array(ROWS * ROWS)],
    refused: {
      "a product of 2^64": () => [hugeFeatures(), 2, new Float64Array(1)],
      "a square of 2^80": () => [{ ...hugeFeatures(), numFeatures: 1 }, 2, new Float64Array(1)],
    },
    survived: { "no rows": () => ({ args: [{ ...features(), rows: 0 }, 2, new Float64Array(0)] }) },
  },
  evaluateProblems: {
    good: () => [features(), targets(), problems(), weights(), 2, outputs(2)],
    refused: {
      "a product of 2^64": () => [hugeFeatures(), targets(), problems(), weights(), 2, outputs(2)],
      "a tag that is not there": () => [features(), targets(), Int32Array.of(TAGS, 0), weights(), 2, outputs(2)],
      "a negative tag": () => [features(), targets(), Int32Array.of(-1, 0), weights(), 2, outputs(2)],
      "gradients within the features": () => {
        const given = features();
        return [given, targets(), problems(), weights(), 2, { ...outputs(2), gradients: given.data }];
      },
      "outputs of one problem": () => [features(), targets(), problems(), weights(), 2, outputs(1)],
    },
    survived: {
      "no rows": () => ({ args: [{ ...features(), rows: 0 }, targets(), problems(), weights(), 2, outputs(2)] }),
      "no problems": () => ({ args: [features(), targets(), new Int32Array(0), weights(), 2, outputs(2)] }),
    },
  },
};
