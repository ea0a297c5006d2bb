// The system's libexpat, as EdXML uses it. Nothing is added: every function that the reader calls imports as it is.
#ifndef CEXPAT_SHIM_H
#define CEXPAT_SHIM_H

#include <expat.h>

#endif
