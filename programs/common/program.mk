# Builds one program from PROGRAM.cu and the shared headers; each program's Makefile sets PROGRAM and includes this.
#
#   make                      the program, for any GPU from Turing on (PTX only) and for Vernier
#   make TILED=1              with shared-memory tiles in the products and convolutions
#   make ARCH='-arch=sm_90'   machine code for one GPU
#   make NVCCFLAGS=...        replace all options but the architecture's
#   make clean
NVCC ?= nvcc
ARCH ?= -gencode arch=compute_75,code=compute_75
NVCCFLAGS ?= --cudart shared -O3
TILED ?= 0

OPTIONS := $(ARCH) $(NVCCFLAGS) $(if $(filter-out 0,$(TILED)),-DTILED)
HEADERS := $(wildcard ../common/*.h ../common/*.hpp ../common/*.cuh *.hpp *.cuh)

$(PROGRAM): $(PROGRAM).cu $(HEADERS) Makefile ../common/program.mk .options
	$(NVCC) $(OPTIONS) -o $@ $<

# Rewritten only when compiler or options differ from the last build's, so that a change of them rebuilds.
.options: FORCE
	@echo '$(NVCC) $(OPTIONS)' | cmp -s - $@ || echo '$(NVCC) $(OPTIONS)' > $@

clean:
	rm -f $(PROGRAM) .options

FORCE:
.PHONY: clean FORCE
