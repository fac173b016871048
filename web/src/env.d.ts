/** The hashed address of feed-worker.ts; web/build.mjs puts it in. */
declare const FEED_WORKER: string;
declare module '*.css';

// What unit tests use of node.
declare module 'node:test' {
  export function test(name: string, run: () => void | Promise<void>): void;
}
declare module 'node:assert/strict' {
  const assert: {
    equal(a: unknown, b: unknown, why?: string): void;
    deepEqual(a: unknown, b: unknown, why?: string): void;
    ok(v: unknown, why?: string): void;
    throws(run: () => void, like?: RegExp): void;
    match(text: string, like: RegExp, why?: string): void;
    doesNotMatch(text: string, like: RegExp, why?: string): void;
  };
  export default assert;
}
