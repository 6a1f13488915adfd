# R: survival and glm. Usage: Rscript survival.R FOLDER WORK ROWS COVARIATES ANSWER (0 rows or covariates: all).
# Same protocol as benchmarks/worker.py: read and prepare, write ANSWER.started, time one call, write ANSWER as JSON.
suppressMessages(library(survival))

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]; work <- arguments[2]; answer <- arguments[5]
rows <- as.integer(arguments[3]); covariates <- as.integer(arguments[4])
curve_days <- c(180, 365, 730, 1095, 1460)

read_npy <- function(path, rows) {
  file <- file(path, "rb")
  on.exit(close(file))
  opening <- readBin(file, "raw", 10)
  stopifnot(opening[7] == 1)  # version 1 of the format: a two-byte length of the header
  header <- readChar(file, as.integer(opening[9]) + 256L * as.integer(opening[10]), useBytes = TRUE)
  kind <- sub(".*'descr': '[<|]?(\\w+)'.*", "\\1", header)
  n <- as.integer(sub(".*'shape': \\((\\d+),.*", "\\1", header))
  if (rows > 0) n <- min(n, rows)
  size <- as.integer(substring(kind, 2))
  readBin(file, if (substring(kind, 1, 1) == "f") "double" else "integer", n, size = size, endian = "little")
}

roles <- read.table(file.path(folder, "columns.txt"), col.names = c("name", "role"), stringsAsFactors = FALSE)
if (covariates > 0) {
  surplus <- utils::tail(which(roles$role == "covariate"), -covariates)
  if (length(surplus)) roles <- roles[-surplus, ]
}
d <- lapply(roles$name, function(name) {
  column <- read_npy(file.path(folder, paste0(name, ".npy")), rows)
  if (roles$role[roles$name == name] %in% c("factor", "group")) factor(column) else column
})
names(d) <- roles$name
d <- structure(d, class = "data.frame", row.names = c(NA_integer_, -length(d[[1]])))

explanatory <- paste(roles$name[roles$role %in% c("covariate", "factor")], collapse = " + ")
response <- if ("start" %in% roles$name) "Surv(start, time, event)" else "Surv(time, event)"
delayedAssign("cox_formula", as.formula(paste(response, "~", explanatory)))

coefficients_of <- function(fit) list(values = coef(fit), scale = sqrt(diag(vcov(fit))))
jobs <- list(
  cox = function() list(call = function() coxph(cox_formula, data = d), read = coefficients_of),
  ph_test = function() {
    fit <- coxph(cox_formula, data = d)
    list(call = function() cox.zph(fit, "km"), read = function(found) {
      inner <- found$table[-nrow(found$table), , drop = FALSE]
      list(values = inner[, 1], scale = sqrt(2 * inner[, 2]))
    })
  },
  kaplan_meier = function() list(
    call = function() survfit(Surv(time, event) ~ group, data = d, conf.type = "log-log"),
    read = function(fit) {
      points <- summary(fit, times = curve_days, extend = TRUE)
      list(values = points$surv, scale = points$std.err)
    }),
  logrank = function() list(
    call = function() survdiff(Surv(time, event) ~ group, data = d),
    read = function(found) list(values = found$chisq, scale = sqrt(2 * (length(found$n) - 1)))),
  concordance = function() list(
    call = function() concordance(Surv(time, event) ~ score, data = d),
    read = function(found) list(values = found$concordance, scale = sqrt(found$var))),
  # Without the influence of each row, which its standard error is made of.
  concordance_estimate = function() {
    y <- with(d, Surv(time, event))
    list(call = function() concordancefit(y, d$score, std.err = FALSE),
         read = function(found) list(values = found$concordance, scale = NULL))
  },
  logit = function() {
    formula <- as.formula(paste("outcome ~", explanatory))
    list(call = function() glm(formula, family = binomial, data = d), read = coefficients_of)
  }
)

status <- function(field) {
  line <- grep(paste0("^", field, ":"), readLines("/proc/self/status"), value = TRUE)
  1024 * as.numeric(sub("\\D+(\\d+) kB", "\\1", line))
}
forget_peak <- function() tryCatch(
  suppressWarnings({ cat("5", file = "/proc/self/clear_refs"); status("VmRSS") }), error = function(e) status("VmHWM"))

job <- jobs[[work]]()
invisible(gc())
file.create(paste0(answer, ".started"))
before <- forget_peak()
clock <- proc.time()
result <- job$call()
took <- proc.time() - clock
memory <- max(status("VmHWM") - before, 0)
found <- job$read(result)
numbers <- function(x) {
  if (is.null(x)) return("null")
  text <- ifelse(is.finite(x), sprintf("%.17g", x), "null")
  paste0("[", paste(text, collapse = ", "), "]")
}
cat(sprintf('{"cpu": %.6f, "wall": %.6f, "memory": %.0f, "values": %s, "scale": %s}\n',
            sum(took[-3]), took[[3]], memory, numbers(found$values), numbers(found$scale)), file = answer)
