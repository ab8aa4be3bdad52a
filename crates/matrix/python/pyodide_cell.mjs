// A cell of the matrix in Pyodide: `node pyodide_cell.mjs PACKAGE RUN REQUEST`.
//
// PACKAGE is the directory of Pyodide. RUN is the directory of the run, which holds the programs, the
// request and everything that it names: Python sees it as /run, and nothing else of this machine.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

// How this process ends when Pyodide cannot be loaded.
const CANNOT_IMPORT = 78;

const [packageDirectory, run, file] = process.argv.slice(2);
const request = JSON.parse(readFileSync(file, "utf8"));

if (request.leashed) {
  // Python keeps this thread busy, so another one sees standard input end, which it does when the one
  // who started this process is gone.
  const watch = `
    const input = new (require("node:net").Socket)({ fd: 0, readable: true, writable: false });
    const end = () => process.kill(process.pid, "SIGKILL");
    input.on("end", end).on("error", end).resume();
  `;
  new Worker(watch, { eval: true }).unref();
}

// Says in one line why the process ends, and ends it: the last line is what the report shows.
function fail(code, what, error) {
  const lines = String(error?.message ?? error).trim().split("\n");
  console.error(`${what}: ${lines.at(-1).trim()}`);
  process.exit(code);
}

const inside = (path) => `/run/${relative(run, path).split(sep).join("/")}`;

let python;
try {
  const entry = join(packageDirectory, "pyodide.mjs");
  if (!existsSync(entry)) throw new Error(`there is no ${entry}`);
  const { loadPyodide } = await import(pathToFileURL(entry).href);
  // What Python prints is nobody's.
  python = await loadPyodide({ stdout: () => {}, stderr: () => {} });
} catch (error) {
  fail(CANNOT_IMPORT, "Pyodide cannot be loaded", error);
}
try {
  python.FS.mkdir("/run");
  python.FS.mount(python.FS.filesystems.NODEFS, { root: run }, "/run");
  const writers = request.writers.map((one) => ({ ...one, directory: inside(one.directory) }));
  const paths = { corpus: inside(request.corpus), own: inside(request.own), writers };
  python.globals.set("request_text", JSON.stringify({ ...request, ...paths }));
  python.runPython(readFileSync(join(run, "pyodide_cell.py"), "utf8"));
  const answer = python.globals.get("answer_text");
  writeFileSync(`${request.answer}.part`, answer);
  renameSync(`${request.answer}.part`, request.answer);
} catch (error) {
  fail(1, "reading failed", error);
}
process.exit(0);
