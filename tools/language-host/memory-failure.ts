/** What V8 prints when the heap is full, and when the debugger, which the SDK uses, fails on the way there. */
const marks = [
  "<--- Last few GCs --->",
  "Check failed: needs_context && current_scope_ == closure_scope_",
] as const;
const longestMark = Math.max(...marks.map((mark) => mark.length));

export const memoryAdvice =
  "Detected a possible out of memory error. Consider increasing the memory available to the nodejs process by setting " +
  "the `nodeargs` runtime option in Pulumi.yaml to `nodeargs: --max-old-space-size=<size>` where `<size>` is the " +
  "maximum memory in megabytes that can be allocated to nodejs.";

/** Watches the error output of Node.js for signs that it ran out of memory, wherever the output is cut. */
export class MemoryFailureWatch {
  #tail = "";
  #detected = false;

  get detected(): boolean {
    return this.#detected;
  }

  write(chunk: Buffer): void {
    if (this.#detected) return;
    const text = this.#tail + chunk.toString("latin1");
    this.#detected = marks.some((mark) => text.includes(mark));
    this.#tail = text.slice(-longestMark);
  }
}
