/* libpq, loaded when it is first called: with what it needs (Kerberos, LDAP, TLS) it
 * takes longer to load than a build of unchanged files takes in all.
 *
 * Include this instead of libpq-fe.h and call libpq as ever; a function that is not in
 * the list below is added to it. */
#ifndef BASE_PG_LIBRARY_H
#define BASE_PG_LIBRARY_H
#include <libpq-fe.h>

#define PG_FUNCTIONS(X)                                                                \
    X(PQcancel)                                                                        \
    X(PQclear)                                                                         \
    X(PQconnectPoll)                                                                   \
    X(PQconnectStartParams)                                                            \
    X(PQconnectdbParams)                                                               \
    X(PQconninfoFree)                                                                  \
    X(PQconninfoParse)                                                                 \
    X(PQconsumeInput)                                                                  \
    X(PQenterPipelineMode)                                                             \
    X(PQerrorMessage)                                                                  \
    X(PQescapeIdentifier)                                                              \
    X(PQexec)                                                                          \
    X(PQexecParams)                                                                    \
    X(PQexitPipelineMode)                                                              \
    X(PQfinish)                                                                        \
    X(PQflush)                                                                         \
    X(PQfreeCancel)                                                                    \
    X(PQfreemem)                                                                       \
    X(PQgetCancel)                                                                     \
    X(PQgetResult)                                                                     \
    X(PQgetisnull)                                                                     \
    X(PQgetvalue)                                                                      \
    X(PQisBusy)                                                                        \
    X(PQnfields)                                                                       \
    X(PQnotifies)                                                                      \
    X(PQntuples)                                                                       \
    X(PQpipelineSync)                                                                  \
    X(PQreset)                                                                         \
    X(PQresultErrorField)                                                              \
    X(PQresultErrorMessage)                                                            \
    X(PQresultStatus)                                                                  \
    X(PQsendPrepare)                                                                   \
    X(PQsendQuery)                                                                     \
    X(PQsendQueryParams)                                                               \
    X(PQsendQueryPrepared)                                                             \
    X(PQsetNoticeReceiver)                                                             \
    X(PQsetSingleRowMode)                                                              \
    X(PQsetnonblocking)                                                                \
    X(PQsocket)                                                                        \
    X(PQstatus)                                                                        \
    X(PQtransactionStatus)

/* Each with libpq's own type, so that the compiler checks the calls. */
struct pg_library {
#define PG_MEMBER(f) __typeof__(f) *call_##f;
    PG_FUNCTIONS(PG_MEMBER)
#undef PG_MEMBER
};
/* Ends the process with status 3 and a message where libpq is not installed. */
const struct pg_library *pg_library(void);
/* NULL: it is there; else what is wrong, in the words of the loader. */
const char *pg_library_missing(void);

#define PQcancel(...) (pg_library()->call_PQcancel(__VA_ARGS__))
#define PQclear(...) (pg_library()->call_PQclear(__VA_ARGS__))
#define PQconnectPoll(...) (pg_library()->call_PQconnectPoll(__VA_ARGS__))
#define PQconnectStartParams(...) (pg_library()->call_PQconnectStartParams(__VA_ARGS__))
#define PQconnectdbParams(...) (pg_library()->call_PQconnectdbParams(__VA_ARGS__))
#define PQconninfoFree(...) (pg_library()->call_PQconninfoFree(__VA_ARGS__))
#define PQconninfoParse(...) (pg_library()->call_PQconninfoParse(__VA_ARGS__))
#define PQconsumeInput(...) (pg_library()->call_PQconsumeInput(__VA_ARGS__))
#define PQenterPipelineMode(...) (pg_library()->call_PQenterPipelineMode(__VA_ARGS__))
#define PQerrorMessage(...) (pg_library()->call_PQerrorMessage(__VA_ARGS__))
#define PQescapeIdentifier(...) (pg_library()->call_PQescapeIdentifier(__VA_ARGS__))
#define PQexec(...) (pg_library()->call_PQexec(__VA_ARGS__))
#define PQexecParams(...) (pg_library()->call_PQexecParams(__VA_ARGS__))
#define PQexitPipelineMode(...) (pg_library()->call_PQexitPipelineMode(__VA_ARGS__))
#define PQfinish(...) (pg_library()->call_PQfinish(__VA_ARGS__))
#define PQflush(...) (pg_library()->call_PQflush(__VA_ARGS__))
#define PQfreeCancel(...) (pg_library()->call_PQfreeCancel(__VA_ARGS__))
#define PQfreemem(...) (pg_library()->call_PQfreemem(__VA_ARGS__))
#define PQgetCancel(...) (pg_library()->call_PQgetCancel(__VA_ARGS__))
#define PQgetResult(...) (pg_library()->call_PQgetResult(__VA_ARGS__))
#define PQgetisnull(...) (pg_library()->call_PQgetisnull(__VA_ARGS__))
#define PQgetvalue(...) (pg_library()->call_PQgetvalue(__VA_ARGS__))
#define PQisBusy(...) (pg_library()->call_PQisBusy(__VA_ARGS__))
#define PQnfields(...) (pg_library()->call_PQnfields(__VA_ARGS__))
#define PQnotifies(...) (pg_library()->call_PQnotifies(__VA_ARGS__))
#define PQntuples(...) (pg_library()->call_PQntuples(__VA_ARGS__))
#define PQpipelineSync(...) (pg_library()->call_PQpipelineSync(__VA_ARGS__))
#define PQreset(...) (pg_library()->call_PQreset(__VA_ARGS__))
#define PQresultErrorField(...) (pg_library()->call_PQresultErrorField(__VA_ARGS__))
#define PQresultErrorMessage(...) (pg_library()->call_PQresultErrorMessage(__VA_ARGS__))
#define PQresultStatus(...) (pg_library()->call_PQresultStatus(__VA_ARGS__))
#define PQsendPrepare(...) (pg_library()->call_PQsendPrepare(__VA_ARGS__))
#define PQsendQuery(...) (pg_library()->call_PQsendQuery(__VA_ARGS__))
#define PQsendQueryParams(...) (pg_library()->call_PQsendQueryParams(__VA_ARGS__))
#define PQsendQueryPrepared(...) (pg_library()->call_PQsendQueryPrepared(__VA_ARGS__))
#define PQsetNoticeReceiver(...) (pg_library()->call_PQsetNoticeReceiver(__VA_ARGS__))
#define PQsetSingleRowMode(...) (pg_library()->call_PQsetSingleRowMode(__VA_ARGS__))
#define PQsetnonblocking(...) (pg_library()->call_PQsetnonblocking(__VA_ARGS__))
#define PQsocket(...) (pg_library()->call_PQsocket(__VA_ARGS__))
#define PQstatus(...) (pg_library()->call_PQstatus(__VA_ARGS__))
#define PQtransactionStatus(...) (pg_library()->call_PQtransactionStatus(__VA_ARGS__))
#endif
