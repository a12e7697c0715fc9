class Shape { constructor(n) { this.n = n; } area() { return 0; } }
class Square extends Shape { area() { return this.n * this.n; } }
class Circle extends Shape { area() { return 3 * this.n * this.n; } }
const all = Array.from({ length: 1000 }, (_, i) => i % 3 ? new Square(i) : new Circle(i));
let sum = 0;
for (let round = 0; round < 5000; round++) for (const s of all) sum = (sum + s.area()) % 1000003;
console.log(sum);
