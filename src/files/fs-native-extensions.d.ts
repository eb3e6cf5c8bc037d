declare module "fs-native-extensions" {
  /** Locks `length` bytes from `offset`; false where another has them. Closing the file gives the lock back. */
  export function tryLock(file: number, offset: number, length: number): boolean;
}
