-- The Redoubt key service itself, where keys of the plan have their custody in it. One subject, the
-- plan as a whole: what is wrong with the service is one finding, not one a key.

local function kept_here()
  local keys = {}
  for _, k in pairs(plan.keys) do
    if k.custody and k.custody.provider == "redoubt" then table.insert(keys, k) end
  end
  table.sort(keys, function(a, b) return a.name < b.name end)
  return keys
end

local function names_of(keys)
  local names = {}
  for i, k in ipairs(keys) do names[i] = k.name end
  return and_list(names)
end

-- The severity of what the strictest of these keys guards; made-up data counts as low.
local function severity_of(keys, severity)
  local strictest = "low"
  for _, k in ipairs(keys) do
    if k.effective and level_rank(k.effective) > level_rank(strictest) then strictest = k.effective end
  end
  return by_level(severity, strictest)
end

local function no_service()
  if #kept_here() == 0 then return "no key has its custody in redoubt" end
end

rule {
  id = "KMS-DEV-ROOT",
  title = "Keys lie under a development root",
  severity = "high",
  source = { "KEYGEN-2" },
  subjects = { "plan" },
  decided = { "plan", "live" },
  why = "A development root lies beside what it protects: whoever reads the folder reads every key.",
  fix = "Make a service with redoubt root init and two real seals, and name the weaker one in custody.seal.",
  check = function()
    local why = no_service()
    if why then return na(why) end
    local bare = {}
    for _, k in ipairs(kept_here()) do
      if k.custody.seal == "development" then table.insert(bare, k) end
    end
    if #bare == 0 then return pass() end
    return fail { observed = "development", expected = "another seal", severity = severity_of(bare, "high"),
                  message = "a development root protects nothing, and these keys are under one: " .. names_of(bare) }
  end,
  live = function()
    local site = seen("plan", "kms.site")
    if not site.development and site.custody ~= "development" then return pass(3) end
    local keys = kept_here()
    return fail { observed = "development", expected = "another seal", severity = severity_of(keys, "high"),
                  message = "the key service has a development root, which protects nothing: " .. names_of(keys) }
  end,
  tests = {
    { on = "plan", expect = "n/a" },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unobserved" },
    { on = "plan", expect = "fail",
      set = { ["keys.root.custody.provider"] = "redoubt", ["keys.root.custody.seal"] = "development" } },
    { on = "plan", expect = "unobserved",
      set = { ["keys.root.custody.provider"] = "redoubt", ["keys.root.custody.seal"] = "shamir" } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["plan"] = { ["kms.site"] = { development = true, custody = "development" } } } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "pass",
      facts = { ["plan"] = { ["kms.site"] = { development = false, custody = "shamir" } } } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unknown",
      facts = { ["plan"] = { ["kms.site"] = "<unknown> no route to host" } } },
  },
}

rule {
  id = "KMS-CLOCK",
  title = "The key service does not trust its clock",
  severity = "high",
  source = { "RETIRE-1" },
  subjects = { "plan" },
  decided = { "live" },
  why = "Waiting periods and approvals stand still until people have looked; a clock that was moved is how they are cut short.",
  fix = "Find out who moved the clock, put it right, and have the approvers confirm it.",
  check = function()
    local why = no_service()
    if why then return na(why) end
    return pass()
  end,
  live = function()
    local site = seen("plan", "kms.site")
    if not site.clock_blocked then return pass(3) end
    return fail { observed = "blocked", expected = "a clock that is trusted",
                  message = "the key service waits for its clock to be confirmed"
                    .. (site.clock_reason and ": " .. site.clock_reason or "") }
  end,
  tests = {
    { on = "plan", expect = "n/a" },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unobserved" },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["plan"] = { ["kms.site"] = { clock_blocked = true, clock_reason = "it went back" } } } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "pass",
      facts = { ["plan"] = { ["kms.site"] = { clock_blocked = false } } } },
  },
}

local QUORUM_LEAST = 2

rule {
  id = "KMS-QUORUM",
  title = "Destruction and emergency access are not in the hands of two people",
  severity = "high",
  source = { "RETIRE-3", "KEYSTORE-4" },
  subjects = { "plan" },
  decided = { "live" },
  why = "With a quorum of one, one person decides; with fewer approvers than the quorum, nobody can.",
  fix = "Enrol approvers of different persons, more than the quorum, and keep the quorum at two or more.",
  check = function()
    local why = no_service()
    if why then return na(why) end
    return pass()
  end,
  live = function()
    local site = seen("plan", "kms.site")
    if not site.quorum or not site.approvers then return unknown("the key service does not tell") end
    local severity = severity_of(kept_here(), "high")
    if site.quorum < QUORUM_LEAST then
      return fail { observed = tostring(site.quorum), expected = "at least " .. QUORUM_LEAST, severity = severity,
                    message = "the key service asks " .. site.quorum .. " approver before it destroys a key" }
    end
    if site.approvers < site.quorum then
      return fail { observed = site.approvers .. " approvers", expected = "at least " .. site.quorum,
                    severity = severity,
                    message = "the key service has " .. site.approvers .. " approvers and needs " .. site.quorum
                      .. ": nothing can be approved, emergency access neither" }
    end
    return pass(3)
  end,
  tests = {
    { on = "plan", expect = "n/a" },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unobserved" },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["plan"] = { ["kms.site"] = { quorum = 1, approvers = 3 } } } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["plan"] = { ["kms.site"] = { quorum = 2, approvers = 1 } } } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "pass",
      facts = { ["plan"] = { ["kms.site"] = { quorum = 2, approvers = 2 } } } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unknown",
      facts = { ["plan"] = { ["kms.site"] = { quorum = 2 } } } },
  },
}

rule {
  id = "KMS-REVIEW",
  title = "Emergency access was used and nobody has reviewed it",
  severity = "medium",
  source = { "KEYSTORE-4" },
  subjects = { "plan" },
  decided = { "live" },
  why = "What was opened past the rules has to be explained while people remember.",
  fix = "Review the entries: redoubt approval list shows them.",
  check = function()
    local why = no_service()
    if why then return na(why) end
    return pass()
  end,
  live = function()
    local open = seen("plan", "kms.site").open_reviews
    if open == nil then return unknown("the key service does not tell") end
    if open == 0 then return pass(3) end
    return fail { observed = tostring(open), expected = "0",
                  message = open .. " uses of emergency access wait for a review" }
  end,
  tests = {
    { on = "plan", expect = "n/a" },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unobserved" },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "drift",
      facts = { ["plan"] = { ["kms.site"] = { open_reviews = 2 } } } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "pass",
      facts = { ["plan"] = { ["kms.site"] = { open_reviews = 0 } } } },
    { on = "plan", set = { ["keys.root.custody.provider"] = "redoubt" }, expect = "unknown",
      facts = { ["plan"] = { ["kms.site"] = { quorum = 2 } } } },
  },
}
