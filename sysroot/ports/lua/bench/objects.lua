local Account = {}
Account.__index = Account
function Account.new(b) return setmetatable({ balance = b, log = {} }, Account) end
function Account:deposit(v) self.balance = self.balance + v; self.log[#self.log % 16 + 1] = v; return self end
local Saving = setmetatable({}, { __index = Account })
Saving.__index = Saving
function Saving:interest() return self:deposit(self.balance // 100) end
local all = {}
for i = 1, 100 do all[i] = setmetatable(Account.new(i), i % 2 == 0 and Saving or Account) end
for round = 1, 150000 do
  local a = all[round % 100 + 1]
  for _ = 1, 30 do a:deposit(round % 7); if a.interest then a:interest(); a.balance = a.balance % 100000 end end
end
local sum = 0
for _, a in ipairs(all) do sum = sum + a.balance end
print(sum)
