/** Standard output of commands that print a result and end. */

/** Takes a piece of a command's output. */
export type Print = (text: string) => Promise<void>;

const ignore = (): void => undefined;

/** Writes to standard output and waits until it is taken. A reader that has left (`tctl get all | head`) is no error. */
export const printToStdout: Print = (text) =>
  new Promise((resolve, reject) => {
    const { stdout } = process;
    // Node also emits a failed write, after the callback, as an event that ends the process if nobody listens.
    if (!stdout.listeners("error").includes(ignore)) stdout.on("error", ignore);
    stdout.write(text, (error) => {
      if (error && (error as NodeJS.ErrnoException).code !== "EPIPE") reject(error);
      else resolve();
    });
  });
