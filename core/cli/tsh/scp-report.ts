/** Told what a copy does; failures of single files do not end it. */
export interface ScpReport {
  /** A file is about to be copied. */
  file(name: string, sizeBytes: number): void;
  failure(message: string): void;
}
