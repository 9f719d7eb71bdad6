-- One line of JSON when wrk is done. Microseconds, as wrk has them. What is no answer at all is an error too.
function done(summary, latency)
  local wrong = summary.errors
  print(string.format(
    'result {"requests":%d,"us":%d,"p50_us":%.0f,"p99_us":%.0f,"errors":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout
  ))
end
