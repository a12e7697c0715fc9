let a = 1n, b = 1n;
for (let i = 0; i < 200000; i++) [a, b] = [b, a + b];
let f = 1n;
for (let i = 2n; i < 10000n; i++) f *= i;
console.log((a % 1000000007n).toString(), (f / a % 998244353n).toString(), f.toString().length);
