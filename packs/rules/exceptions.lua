-- Accepted findings and human statements: both end, and both can be wrong.

local EXPIRING_WITHIN = 30   -- days
local APPROVERS_CRITICAL = 2 -- people other than the owner
local LASTS_MOST = 400       -- days of an exception or attestation: a year, and a month to renew it in

local function has_expired(e)
  return run_date > e.expires
end

rule {
  id = "EX-EXPIRED",
  title = "Exception is past its end",
  severity = "high",
  source = {},
  subjects = { "exceptions" },
  decided = { "plan" },
  why = "What was accepted for a time is accepted no longer; its finding is open again.",
  fix = "Fix the finding and delete the exception, or have it approved anew.",
  check = function(e)
    if not has_expired(e) then return pass() end
    return fail { field = "expires", observed = date(e.expires), expected = "a day to come",
                  message = e.name .. " (" .. e.rule .. " on " .. e.subject .. ") ended on " .. date(e.expires) }
  end,
  tests = {
    { on = "exceptions.EX-1", expect = "pass" },
    { on = "exceptions.EX-1", date = "2027-03-31", expect = "pass" },
    { on = "exceptions.EX-1", date = "2027-04-01", expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.expires"] = "2026-11-23" }, expect = "fail" },
  },
}

rule {
  id = "EX-EXPIRING",
  title = "Exception ends within 30 days, has not begun, or lasts too long",
  severity = "info",
  source = {},
  subjects = { "exceptions" },
  decided = { "plan" },
  why = "On its last day the finding opens again, and the next build fails.",
  fix = "Finish the fix now, or ask for approval of a new end.",
  check = function(e)
    if has_expired(e) then return na("see EX-EXPIRED") end
    if e.granted > run_date then
      return fail { field = "granted", observed = date(e.granted), expected = "today or before",
                    message = e.name .. " accepts nothing before " .. date(e.granted) }
    end
    if e.expires - e.granted > LASTS_MOST then
      return fail { field = "expires", observed = days(e.expires - e.granted), expected = "at most " .. days(LASTS_MOST),
                    message = e.name .. " lasts " .. days(e.expires - e.granted) .. ", which is no exception any more" }
    end
    local left = e.expires - run_date
    if left > EXPIRING_WITHIN then return pass() end
    return fail { field = "expires", observed = date(e.expires), expected = "more than " .. days(EXPIRING_WITHIN),
                  message = e.name .. " ends in " .. days(left) }
  end,
  tests = {
    { on = "exceptions.EX-1", expect = "pass" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.granted"] = "2026-11-24" }, expect = "pass" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.granted"] = "2026-11-25" }, expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.expires"] = "2027-11-05" }, expect = "pass" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.expires"] = "2027-11-06" }, expect = "fail" },
    { on = "exceptions.EX-1", date = "2027-02-28", expect = "pass" },
    { on = "exceptions.EX-1", date = "2027-03-01", expect = "fail" },
    { on = "exceptions.EX-1", date = "2027-04-01", expect = "n/a" },
  },
}

-- A name without the case and the spaces by which one person is written as two.
local function plain_name(who)
  local words = {}
  for _, word in ipairs(str.split(str.lower(who), " ")) do
    if word ~= "" then table.insert(words, word) end
  end
  return str.join(words, " ")
end

-- "Dana <dana@...>" is dana@... too.
local function is_owner(e, who)
  return str.find(plain_name(who), plain_name(e.owner))
end

-- People in a list, each counted once, without the owner.
local function others(e)
  local known, n = {}, 0
  for _, who in ipairs(e.approved_by) do
    local name = plain_name(who)
    if name ~= "" and not is_owner(e, who) and not known[name] then
      known[name] = true
      n = n + 1
    end
  end
  return n
end

rule {
  id = "EX-SELF-APPROVED",
  title = "Exception is approved by its owner, or by too few",
  severity = "high",
  source = {},
  subjects = { "exceptions" },
  decided = { "plan" },
  why = "An exception that its owner signs is a decision that nobody checked.",
  fix = "Have people other than the owner approve it: one, or two when the subject is critical.",
  check = function(e)
    if has_expired(e) then return na("see EX-EXPIRED") end
    for _, who in ipairs(e.approved_by) do
      if is_owner(e, who) then
        return fail { field = "approved_by", observed = "its owner", expected = "others than its owner",
                      message = e.name .. " is approved by its owner" }
      end
    end
    local subject, n = get(e.subject), others(e)
    local want = subject and is_critical(subject) and APPROVERS_CRITICAL or 1
    if n >= want then return pass() end
    return fail { field = "approved_by", observed = tostring(n), expected = tostring(want) .. " or more",
                  message = e.name .. (want > 1 and " is about critical data" or "") .. " and is approved by "
                    .. tostring(n) }
  end,
  tests = {
    { on = "exceptions.EX-1", expect = "pass" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] =
      { "dana@healthy.example", "ciso@healthy.example", "cto@healthy.example" } }, expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] =
      { "DANA@healthy.example", "ciso@healthy.example", "cto@healthy.example" } }, expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] =
      { " Dana@healthy.example ", "ciso@healthy.example", "cto@healthy.example" } }, expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] =
      { "Dana <dana@healthy.example>", "ciso@healthy.example", "cto@healthy.example" } }, expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] =
      { "ciso@healthy.example", "ciso@healthy.example " } }, expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] = { "ciso@healthy.example" } },
      expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] =
      { "ciso@healthy.example", "CISO@healthy.example" } }, expect = "fail" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] = { "ciso@healthy.example" },
                                      ["exceptions.EX-1.subject"] = "flows.ship-log" }, expect = "pass" },
    { on = "exceptions.EX-1", set = { ["exceptions.EX-1.approved_by"] = { "dana@healthy.example" } },
      date = "2027-04-01", expect = "n/a" },
  },
}

rule {
  id = "AT-EXPIRED",
  title = "Attestation is past its end, lasts too long, or is not signed yet",
  severity = "medium",
  source = { "ROTATE-2" },
  subjects = { "attestations" },
  decided = { "plan" },
  why = "What somebody saw long ago says nothing about today.",
  fix = "Look again, sign a new statement, or remove it.",
  check = function(a)
    -- As of an exception, the last day counts.
    if has_expired(a) then
      return fail { field = "expires", observed = date(a.expires), expected = "a day to come",
                    message = a.name .. " ended on " .. date(a.expires) }
    end
    if a.signed > run_date then
      return fail { field = "signed", observed = date(a.signed), expected = "today or before",
                    message = a.name .. " is signed on a day to come, and vouches for nothing before it" }
    end
    if a.expires - a.signed <= LASTS_MOST then return pass() end
    return fail { field = "expires", observed = days(a.expires - a.signed), expected = "at most "
                    .. days(LASTS_MOST),
                  message = a.name .. " would count for " .. days(a.expires - a.signed) }
  end,
  tests = {
    { on = "attestations.AT-1", expect = "pass" },
    { on = "attestations.AT-1", date = "2027-09-02", expect = "pass" },
    { on = "attestations.AT-1", date = "2027-09-03", expect = "fail" },
    { on = "attestations.AT-1", date = "2026-09-02", expect = "pass" },
    { on = "attestations.AT-1", date = "2026-09-01", expect = "fail" },
    { on = "attestations.AT-1", set = { ["attestations.AT-1.expires"] = "2028-09-02" }, expect = "fail" },
    { on = "attestations.AT-1", set = { ["attestations.AT-1.expires"] = "2027-10-07" }, expect = "pass" },
    { on = "attestations.AT-1", set = { ["attestations.AT-1.expires"] = "2027-10-08" }, expect = "fail" },
  },
}

local SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
local OTHER_SHA = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"

rule {
  id = "AT-HASH",
  title = "Evidence of an attestation is not the file that was signed",
  severity = "high",
  source = { "ROTATE-2" },
  subjects = { "attestations" },
  decided = { "plan" },
  why = "A file that was changed afterwards shows something else than what was attested.",
  fix = "Put the original file back, or attest the new one.",
  check = function(a)
    if not a.evidence or #a.evidence == 0 then return na("no file is given as evidence") end
    for i, e in ipairs(a.evidence) do
      local is = file_sha256(e.file)
      if not is then
        return fail { field = "evidence", observed = "no such file: " .. e.file, expected = e.sha256,
                      message = "evidence " .. i .. " of " .. a.name .. " is missing" }
      end
      if is ~= str.lower(e.sha256) then
        return fail { field = "evidence", observed = is, expected = e.sha256,
                      message = "evidence " .. i .. " of " .. a.name .. " is another file than the one attested" }
      end
    end
    return pass()
  end,
  tests = {
    { on = "attestations.AT-1", expect = "n/a" },
    { on = "attestations.AT-1", set = { ["attestations.AT-1.evidence"] = { { file = "evidence/a.pdf", sha256 = SHA } } },
      files = { ["evidence/a.pdf"] = SHA }, expect = "pass" },
    { on = "attestations.AT-1", set = { ["attestations.AT-1.evidence"] = { { file = "evidence/a.pdf", sha256 = SHA } } },
      files = { ["evidence/a.pdf"] = OTHER_SHA }, expect = "fail" },
    { on = "attestations.AT-1", set = { ["attestations.AT-1.evidence"] = { { file = "evidence/a.pdf", sha256 = SHA } } },
      files = { ["evidence/a.pdf"] = false }, expect = "fail" },
  },
}
