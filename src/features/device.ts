/** Which execution provider runs the backbone. */
export const DEVICES = ["auto", "cpu", "cuda", "webgpu"] as const;
export type Device = "cpu" | "cuda" | "webgpu";
