/** Resolves when a stream has said `text`; it is read on, so that its writer never blocks or breaks. */
export function said(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = "";
    stream.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
    stream.on("end", () => reject(new Error(`it ended before it said "${text}": ${seen}`)));
  });
}
