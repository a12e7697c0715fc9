-- Objects: metatables, closures, and garbage: binary trees, and shapes with virtual methods.
local percent = tonumber(arg[1]) or 100

local function tree(depth)
  if depth == 0 then return {} end
  return { tree(depth - 1), tree(depth - 1) }
end

local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end

local nodes = 0
for depth = 4, 14, 2 do
  for _ = 1, percent * 2 ^ (15 - depth) // 100 + 1 do
    nodes = nodes + count(tree(depth))
  end
end
print(nodes)

local Shape = {}
Shape.__index = Shape
function Shape.new(class, size) return setmetatable({ size = size }, class) end
function Shape:area() return 0 end
function Shape:scaled(factor) return self.new(getmetatable(self), self.size * factor) end

local function class(area)
  local new = setmetatable({}, { __index = Shape })
  new.__index = new
  new.area = area
  return new
end
local kinds = {
  class(function(self) return self.size * self.size end),
  class(function(self) return self.size * self.size * 3 // 4 end),
  class(function(self) return self.size end),
}

local total = 0
for i = 1, 15000 * percent do
  local kind = kinds[i % 3 + 1]
  total = (total + kind:new(i % 100):scaled(2):area()) % 1000003
end
print(total)

local function counter()
  local value = 0
  return function(step)
    value = value + step
    return value
  end
end
local sum = 0
for i = 1, 3000 * percent do
  local next = counter()
  next(i)
  sum = sum + next(1)
end
print(sum)
