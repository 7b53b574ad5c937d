# Says what the script can do.
# shellcheck shell=sh
cat <<'TEXT'
Usage: ./quartermaster VERB

  up                     install what is missing, build, start everything, load the demo, show the board
  down                   stop everything; the data stays in .quartermaster/
  down --wipe            stop everything and delete the data
  status [--json]        what runs, where, and since when
  logs [SERVICE] [-f]    the last lines of every log, or one service's whole log (-f follows)
  test [STAGE ...]       every test, or only the named stages; --list names them
  bench [ARGUMENT ...]   the load bench
  drill NAME             what takes too long for test; --list names the drills
  fmt                    format the C++ sources; write docs/api.md and the settings tables anew
  help                   this page

Settings, from the environment:
  QM_GATEWAY_HTTP_PORT   port of the board and the JSON interface on 127.0.0.1 (8080)
  QM_GATEWAY_GRPC_PORT   port of the gateway's gRPC on 127.0.0.1 (9090)
  QM_INVENTORY_RPC_PORT  port of inventory-svc on 127.0.0.1 (9101)
TEXT
