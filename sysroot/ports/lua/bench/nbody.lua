local b = {}
for i = 1, 5 do b[i] = { x = i * 1.7, y = i * 0.3, z = -i, vx = 0, vy = 0.1 * i, vz = 0.02, m = 10 / i ^ 3 } end
for _ = 1, 150000 do
  for i = 1, 5 do
    local p = b[i]
    for j = i + 1, 5 do
      local q = b[j]
      local dx, dy, dz = p.x - q.x, p.y - q.y, p.z - q.z
      local d2 = dx * dx + dy * dy + dz * dz + 0.01
      local mag = 0.001 / (d2 * d2 ^ 0.5)
      p.vx, p.vy, p.vz = p.vx - dx * q.m * mag, p.vy - dy * q.m * mag, p.vz - dz * q.m * mag
      q.vx, q.vy, q.vz = q.vx + dx * p.m * mag, q.vy + dy * p.m * mag, q.vz + dz * p.m * mag
    end
  end
  for i = 1, 5 do local p = b[i]; p.x, p.y, p.z = p.x + 0.001 * p.vx, p.y + 0.001 * p.vy, p.z + 0.001 * p.vz end
end
print(("%.6f %.6f %.6f"):format(b[1].x, b[3].y, b[5].z))
