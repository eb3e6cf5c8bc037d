/** Pillow and OpenCV as contenders: which python3 has them, and the program it runs. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

interface PythonLibrary {
  name: string;
  /** Its module in Python. */
  module: string;
}

export const PYTHON_LIBRARIES: readonly PythonLibrary[] = [
  { name: "Pillow", module: "PIL" },
  { name: "OpenCV", module: "cv2" },
];

/** Path of the first python3 that can import `modules` ("numpy, PIL"), or undefined. `CANOPY_PYTHON` comes first. */
export async function findPython(modules: string): Promise<string | undefined> {
  for (const python of candidates()) {
    const found = await promisify(execFile)(python, ["-c", `import ${modules}`], {
      timeout: 30_000,
    }).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return undefined;
}

function candidates(): string[] {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/usr/local/bin"];
  const there = folders.map((folder) => join(folder, "python3")).filter((path) => existsSync(path));
  const named = process.env["CANOPY_PYTHON"];
  // Not their real paths: that of a virtual environment's is the Python it was made from.
  return [...new Set([...(named === undefined ? [] : [named]), ...there])];
}

/** The end of each program: gives what its `answer` makes of each request of protocol.ts. */
export const ANSWER_LOOP = `for line in iter(sys.stdin.readline, ""):
    try:
        reply = dict(answer(json.loads(line)), ok=True)
    except Exception as error:
        reply = {"ok": False, "message": "%s: %s" % (type(error).__name__, error)}
    sys.stdout.write(json.dumps(reply) + "\\n")
    sys.stdout.flush()
`;

/** Answers the requests of protocol.ts; the contender's name is the module's. One thread, as one worker of canopy has. */
export const PYTHON_PROGRAM = `
import json, os, sys, time

def open_pil(setup):
    import numpy, PIL
    from PIL import Image
    size = (setup["size"], setup["size"])
    def resized(path):
        numpy.asarray(Image.open(path).convert("RGB").resize(size, Image.BILINEAR))
    def full(path):
        return numpy.asarray(Image.open(path).convert("RGB"))
    return "Pillow " + PIL.__version__, resized, full

def open_cv2(setup):
    import cv2
    cv2.setNumThreads(1)
    size = (setup["size"], setup["size"])
    def resized(path):
        cv2.resize(cv2.imread(path), size)
    def full(path):
        return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    return "OpenCV " + cv2.__version__, resized, full

def answer(request):
    global paths, resized, full
    if request["type"] == "setup":
        paths = request["paths"]
        version, resized, full = {"PIL": open_pil, "cv2": open_cv2}[request["contender"]](request)
        return {"version": version}
    if request["type"] == "colours":
        for index in request["indices"]:
            full(paths[index]).tofile(os.path.join(request["folder"], "%d.rgb" % index))
        return {}
    start, cpu = time.perf_counter(), time.process_time()
    for index in request["indices"]:
        resized(paths[index])
    return {"seconds": {"whole": time.perf_counter() - start}, "cpuSeconds": time.process_time() - cpu}

${ANSWER_LOOP}`;
