-- Floating point: the spectral norm of a matrix, and planets around a sun.
local percent = tonumber(arg[1]) or 200

local function a(i, j)
  local sum = i + j - 1
  return 1 / (sum * (sum - 1) / 2 + i)
end

local function multiply(n, x, transposed)
  local result = {}
  for i = 1, n do
    local sum = 0
    for j = 1, n do
      sum = sum + (transposed and a(j, i) or a(i, j)) * x[j]
    end
    result[i] = sum
  end
  return result
end

local n, u, v = 3 * percent, {}, nil
for i = 1, n do u[i] = 1 end
for _ = 1, 10 do
  v = multiply(n, multiply(n, u), true)
  u = multiply(n, multiply(n, v), true)
end
local vBv, vv = 0, 0
for i = 1, n do
  vBv = vBv + u[i] * v[i]
  vv = vv + v[i] * v[i]
end
print(string.format("%.9f", math.sqrt(vBv / vv)))

local bodies = {
  { x = 0, y = 0, vx = 0, vy = 0, mass = 1000 },
  { x = 10, y = 0, vx = 0, vy = 10, mass = 1 },
  { x = 0, y = 20, vx = -7, vy = 0, mass = 2 },
  { x = -35, y = 5, vx = 0, vy = -5, mass = 3 },
}
local step = 0.0001
for _ = 1, 2000 * percent do
  for i = 1, #bodies do
    local one = bodies[i]
    for j = i + 1, #bodies do
      local other = bodies[j]
      local dx, dy = one.x - other.x, one.y - other.y
      local distance = math.sqrt(dx * dx + dy * dy)
      local pull = step / (distance * distance * distance)
      one.vx = one.vx - dx * other.mass * pull
      one.vy = one.vy - dy * other.mass * pull
      other.vx = other.vx + dx * one.mass * pull
      other.vy = other.vy + dy * one.mass * pull
    end
  end
  for i = 1, #bodies do
    local body = bodies[i]
    body.x = body.x + step * body.vx
    body.y = body.y + step * body.vy
  end
end
for i = 1, #bodies do
  print(string.format("%.6f %.6f", bodies[i].x, bodies[i].y))
end
