// Loads array files in Pyodide: `node load.mjs PYODIDE DATA PACKAGE PROGRAM`.
//
// PYODIDE is the directory of the npm package; DATA and PACKAGE are directories of this machine that
// Python sees as /data and /package; PROGRAM is run, and the JSON that it leaves in `result` is printed.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [pyodide, data, packages, program] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`).href);
// Python's own output is talk; standard output is the result.
const python = await loadPyodide({ stdout: (line) => console.error(line) });
for (const [place, root] of [["/data", data], ["/package", packages]]) {
  python.FS.mkdir(place);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, place);
}
python.runPython(readFileSync(program, "utf8"));
console.log(python.globals.get("result"));
