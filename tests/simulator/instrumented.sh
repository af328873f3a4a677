#!/bin/sh
# The compiler of the crates of the workspace, with counters in that of the workers, and in those of the simulator: there the
# workers are made for its cluster, and the counts are written down. Others are compiled as always.
case " $* " in
*" --crate-name kafka "* | *" --crate-name simulator "* | *" --crate-name simulate "*) exec "$@" -C instrument-coverage ;;
*) exec "$@" ;;
esac
