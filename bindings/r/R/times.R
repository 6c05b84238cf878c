# Times: of the platform's text to POSIXct, and back, with their fractions of seconds.

is_time <- function(name) grepl("(^|_)time$", name)

wants_times <- function(call) {
  wish <- getOption("bge.times", "POSIXct")
  if (!identical(wish, "POSIXct") && !identical(wish, "character")) {
    bad_argument('options("bge.times")', 'must be "POSIXct" or "character"', call)
  }
  wish == "POSIXct"
}

as_time <- function(seconds) structure(seconds, class = c("POSIXct", "POSIXt"), tzone = "UTC")

time_pattern <- paste0(
  "^([0-9]{4})(?:-?([0-9]{2})(?:-?([0-9]{2})(?:[T ]([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}(?:[.,][0-9]+)?))?)?)?)?",
  " ?(?:(Z|UTC)|([+-])([0-9]{2}):?([0-9]{2}))?$"
)

# Times as the platform writes them: dates too, and such without their end (2021-03); without an offset they are UTC.
# What is no time is NA.
parse_time <- function(text) {
  known <- unique(text)
  found <- regexpr(time_pattern, known, perl = TRUE, useBytes = TRUE)
  starts <- unname(attr(found, "capture.start"))
  ends <- starts + unname(attr(found, "capture.length")) - 1L
  piece <- function(at) ifelse(!is.na(found) & found > 0 & starts[, at] > 0, substr(known, starts[, at], ends[, at]), "")
  part <- function(at, default) {
    value <- suppressWarnings(as.double(sub(",", ".", piece(at), fixed = TRUE)))
    ifelse(is.na(value), default, value)
  }
  year <- part(1, NA)
  month <- part(2, 1)
  day <- part(3, 1)
  hour <- part(4, 0)
  minute <- part(5, 0)
  second <- part(6, 0)
  sign <- ifelse(piece(8) == "-", -1, 1)
  offset <- sign * (part(9, 0) * 3600 + part(10, 0) * 60)
  is_leap <- (year %% 4 == 0 & year %% 100 != 0) | year %% 400 == 0
  longest <- c(31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[pmin(pmax(month, 1), 12)] + (month == 2 & is_leap)
  is_good <- month >= 1 & month <= 12 & day >= 1 & day <= longest & hour <= 24 & minute <= 59 & second < 61
  seconds <- days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
  seconds[!is_good] <- NA
  as_time(seconds[match(text, known)])
}

# Days since 1970-01-01 in the Gregorian calendar.
days_of <- function(year, month, day) {
  # years that begin in March have their odd day at the end
  year <- year - (month <= 2)
  month <- (month + 9) %% 12
  365 * year + year %/% 4 - year %/% 100 + year %/% 400 + (153 * month + 2) %/% 5 + day - 1 - 719468
}

# A time as the platform takes it, in UTC: whole seconds, or up to six digits of their fraction.
time_text <- function(x) {
  seconds <- as.double(as.POSIXct(x))
  whole <- floor(seconds)
  micros <- round((seconds - whole) * 1e6)
  whole <- whole + (micros == 1e6)
  micros[micros %in% 1e6] <- 0
  text <- format(as_time(whole), "%Y-%m-%dT%H:%M:%S", tz = "UTC")
  fraction <- ifelse(micros == 0, "", sub("0+$", "", sprintf(".%06.0f", micros)))
  ifelse(is.na(seconds), NA_character_, paste0(text, fraction, "Z"))
}
