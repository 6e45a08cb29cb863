# ruby-pg: prepared statements, pipeline mode, COPY, notifications, cancel.
require "pg"

SESSION = ENV["DRIVERS_SESSION"] == "1" # the server is the client's own: session mode, or PostgreSQL itself
WORKERS = 6 # connections at a time; a tenant in transaction mode has two servers

def connect(**options)
  connection = PG.connect(**options)
  yield connection
ensure
  connection&.close
end

def equal(expected, actual)
  raise "expected #{expected.inspect}, got #{actual.inspect}" unless expected == actual
end

def refused(kind)
  yield
rescue kind => error
  error
else
  raise "no #{kind}"
end

def together(&work)
  (0...WORKERS).map { |worker| Thread.new { work.call(worker) }.tap { |thread| thread.report_on_exception = false } }.each(&:join)
end

$red = false
def step(name)
  yield
  puts "ok #{name}"
rescue StandardError => failure
  $red = true
  line = failure.backtrace.find { |at| at.include?(File.basename(__FILE__)) && at !~ /in `(equal|refused|connect)'/ }.to_s[/:(\d+):/, 1]
  puts "not ok #{name}: #{failure.class}: #{failure.message} (line #{line})".gsub("\n", " | ")
end

$stdout.sync = true
puts "client ruby-pg #{PG::VERSION} (Ruby #{RUBY_VERSION})"

step "TLS, parameters of either side" do
  connect(application_name: "ruby", options: "-c TimeZone=Asia/Tokyo -c statement_timeout=7s") do |c|
    equal true, c.ssl_in_use?
    equal ["ruby", "Asia/Tokyo", "7s"], c.exec("SELECT current_setting('application_name'), current_setting('TimeZone'), current_setting('statement_timeout')").values[0]
    c.set_client_encoding("LATIN1")
    equal 1, c.exec("SELECT length('\u00fc')").getvalue(0, 0).to_i
  end
end

step "prepared statements on more connections than servers" do
  together do |worker|
    connect do |c|
      c.prepare("sum", "SELECT $1::int * 1000 + $2::int + 0 * #{worker}")
      40.times do |number|
        equal (worker * 1000 + number).to_s, c.exec_prepared("sum", [worker, number]).getvalue(0, 0)
        equal "#{worker}/#{number}", c.exec_params("SELECT $1::text || '/' || $2::text", [worker, number]).getvalue(0, 0)
      end
      c.exec("DEALLOCATE sum")
      refused(PG::InvalidSqlStatementName) { c.exec_prepared("sum", [1, 1]) }
    end
  end
end

step "what Rails sends at the start" do
  connect do |c|
    c.exec("SET client_min_messages TO 'warning'")
    c.exec("SET standard_conforming_strings = on")
    c.exec("SET intervalstyle = iso_8601")
    c.exec("SET SESSION timezone TO 'UTC'")
    c.prepare("a1", "SELECT n FROM items WHERE n = $1 LIMIT $2")
    5.times { c.exec_prepared("a1", [1, 1]) }
    equal [%w[UTC iso_8601 warning]], c.exec("SELECT current_setting('timezone'), current_setting('intervalstyle'), current_setting('client_min_messages')").values
    c.exec("DEALLOCATE a1")
    c.exec("DISCARD ALL")
    equal false, c.exec("SHOW intervalstyle").getvalue(0, 0) == "iso_8601"
  end
end

step "pipeline mode" do
  together do |worker|
    connect do |c|
      c.enter_pipeline_mode
      20.times { |number| c.send_query_params("SELECT $1::int", [worker * 100 + number]) }
      c.pipeline_sync
      20.times do |number|
        equal (worker * 100 + number).to_s, c.get_result.getvalue(0, 0)
        equal nil, c.get_result
      end
      equal PG::PGRES_PIPELINE_SYNC, c.get_result.result_status
      c.exit_pipeline_mode
    end
  end
end

step "single-row mode and cursors" do
  connect do |c|
    c.send_query("SELECT g FROM generate_series(1, 1000) g")
    c.set_single_row_mode
    sum = 0
    c.get_result.stream_each_row { |row| sum += row[0].to_i }
    c.get_last_result
    equal 500500, sum
    c.transaction do
      c.exec("DECLARE c CURSOR FOR SELECT g FROM generate_series(1, 100) g")
      equal [["1"], ["2"]], c.exec("FETCH 2 FROM c").values
    end
  end
end

step "COPY in and out" do
  connect do |c|
    c.exec("DELETE FROM items")
    c.copy_data("COPY items (n, body) FROM STDIN") { 5000.times { |n| c.put_copy_data("#{n}\trow #{n}\n") } }
    lines = 0
    c.copy_data("COPY items TO STDOUT") { lines += 1 while c.get_copy_data }
    equal 5000, lines
    refused(PG::InvalidTextRepresentation) { c.copy_data("COPY items (n) FROM STDIN") { c.put_copy_data("no number\n") } }
    equal "5000", c.exec("SELECT count(*) FROM items").getvalue(0, 0)
  end
end

step "LISTEN" do
  connect do |listener|
    connect do |speaker|
      listener.exec("LISTEN news")
      speaker.exec("NOTIFY news, 'one'")
      payload = nil
      listener.wait_for_notify(20) { |_, _, text| payload = text }
      equal "one", payload
    end
  end
end

step "cancel" do
  connect do |c|
    c.send_query("SELECT pg_sleep(30)")
    sleep 0.3
    c.cancel
    refused(PG::QueryCanceled) { c.get_last_result }
    equal "1", c.exec("SELECT 1").getvalue(0, 0)
  end
end

step "transactions and savepoints" do
  connect do |c|
    c.exec("DELETE FROM items")
    c.transaction do
      c.exec("INSERT INTO items (n) VALUES (1)")
      c.exec("SAVEPOINT s")
      refused(PG::DivisionByZero) { c.exec("SELECT 1/0") }
      c.exec("ROLLBACK TO s")
    end
    refused(PG::DivisionByZero) { c.transaction { c.exec("DELETE FROM items; SELECT 1/0") } }
    equal [["1"]], c.exec("SELECT n FROM items").values
  end
end

step "types with maps of the driver's" do
  connect do |c|
    c.type_map_for_results = PG::BasicTypeMapForResults.new(c)
    equal [[1, [1, 2], 1.5, true, nil]], c.exec("SELECT 1, ARRAY[1, 2], 1.5::float8, true, NULL::int").values
  end
end

step "reset opens the connection anew" do
  connect do |c|
    c.exec("SET application_name = 'before'")
    c.reset
    equal false, c.exec("SHOW application_name").getvalue(0, 0) == "before"
  end
end

if SESSION
  step("backend pid is the server's") { connect { |c| equal c.backend_pid, c.exec("SELECT pg_backend_pid()").getvalue(0, 0).to_i } }
end

puts "end"
exit 1 if $red
