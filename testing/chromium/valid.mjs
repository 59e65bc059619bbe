// Says as JSON what is wrong with the HTML of pages by the standard. On standard input: {NAME: FILE, …}
import fs from "node:fs";
import { FileSystemConfigLoader, HtmlValidate } from "html-validate";

const files = JSON.parse(fs.readFileSync(0, "utf8"));
const validator = new HtmlValidate(new FileSystemConfigLoader({ root: true, extends: ["html-validate:standard"] }));
const found = {};
for (const [name, file] of Object.entries(files)) {
  const report = await validator.validateString(fs.readFileSync(file, "utf8"));
  found[name] = report.results.flatMap((result) => result.messages.map((m) => `line ${m.line}: ${m.message} (${m.ruleId})`));
}
process.stdout.write(JSON.stringify(found));
