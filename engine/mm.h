// The engine as ext/bind and the command see it: open a file, build a graph, ask, print.
//
// Not installed. Everything here is pure: no process, no Python, no global state; one arena for a
// file and its graph, another for each answer, so that answers can be dropped one by one.
#ifndef MM_MM_H
#define MM_MM_H

#include "analyze/path.h"
#include "analyze/reach.h"
#include "analyze/select.h"
#include "analyze/tree.h"
#include "analyze/types.h"
#include "analyze/why.h"
#include "base/os/pages.h"
#include "explain/cures.h"
#include "explain/findings.h"
#include "format/read.h"
#include "graph/graph.h"
#include "report/against.h"
#include "report/findings.h"
#include "report/refusal.h"
#include "report/summary.h"
#include "report/text.h"
#include "report/tree.h"
#include "report/why.h"

#endif
