/** The rows of a CSV text with a header line, as objects. Quoted fields may hold commas and doubled quotes. */
export function* rows(text) {
  const [header, ...lines] = text.trimEnd().split(/\r?\n/).map(fields);
  for (const line of lines) yield Object.fromEntries(header.map((name, i) => [name, line[i] ?? ""]));
}

function fields(line) {
  const found = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return Array.from(found, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}
