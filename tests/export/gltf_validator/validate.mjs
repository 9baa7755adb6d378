// Prints one line for each GLB named on the command line: how many errors and warnings it has, and what they say.
import { readFile } from "node:fs/promises";
import validator from "gltf-validator";

for (const path of process.argv.slice(2)) {
  const { issues } = await validator.validateBytes(new Uint8Array(await readFile(path)));
  const serious = issues.messages.filter(({ severity }) => severity <= 1);
  const words = serious.map(({ code, pointer, message }) => `${code} ${pointer ?? ""} ${message}`);
  console.log([`${issues.numErrors} errors, ${issues.numWarnings} warnings`, ...words].join("; "));
}
