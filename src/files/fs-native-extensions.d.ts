declare module "fs-native-extensions" {
  /** Locks `length` bytes from `offset`; false if another process has them. Closing the file releases the lock. */
  export function tryLock(file: number, offset: number, length: number): boolean;
}
