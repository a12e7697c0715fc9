const data = Array.from({ length: 2000 }, (_, i) => ({ id: i, name: `item ${i}`, tags: ["a", "é", "\n"], nested: { x: i / 3, y: null } }));
let size = 0;
for (let i = 0; i < 40; i++) size += JSON.stringify(JSON.parse(JSON.stringify(data)), null, 1).length;
console.log(size, new Map(data.map((d) => [d.name, d])).get("item 77").nested.x);
