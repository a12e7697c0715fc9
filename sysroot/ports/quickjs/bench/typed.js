const n = 200, a = new Float64Array(n * n).map((_, i) => i % 7), b = new Float64Array(n * n).map((_, i) => i % 5), c = new Float64Array(n * n);
for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) { let s = 0; for (let k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j]; c[i * n + j] = s; }
console.log(c.reduce((x, y) => x + y));
