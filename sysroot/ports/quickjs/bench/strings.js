let text = "";
for (let i = 0; i < 20000; i++) text += `key${i}=value-${(i * 7919).toString(16)};`;
let n = 0;
for (let round = 0; round < 8; round++) {
  for (const m of text.matchAll(/(\w+)=([\w-]+);/g)) n += m[1].length + m[2].length;
  n += text.replace(/\d+/g, (d) => +d + 1).length + text.split(";").map((s) => s.toUpperCase()).join("").length;
}
console.log(n);
