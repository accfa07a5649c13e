//! The error codes of the CUDA runtime: number, name and a short text, for cudaGetErrorName and
//! cudaGetErrorString. Numbers and names are those of CUDA 11 to 13; the texts are what programs print.

/// A value of `cudaError_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub u32);

macro_rules! codes {
    ($($number:literal $constant:ident $name:literal $text:literal;)*) => {
        /// The codes by their names without `cudaError`.
        #[allow(missing_docs)] // the table below says what each means
        impl Code {
            $(pub const $constant: Code = Code($number);)*
        }
        /// Number, name and text of every code, by number. Name and text end in NUL for C.
        static TABLE: &[(u32, &str, &str)] = &[$(($number, concat!($name, "\0"), concat!($text, "\0"))),*];
    };
}

codes! {
    0 SUCCESS "cudaSuccess" "no error";
    1 INVALID_VALUE "cudaErrorInvalidValue" "invalid argument";
    2 MEMORY_ALLOCATION "cudaErrorMemoryAllocation" "out of memory";
    3 INITIALIZATION_ERROR "cudaErrorInitializationError" "initialization error";
    4 CUDART_UNLOADING "cudaErrorCudartUnloading" "driver shutting down";
    5 PROFILER_DISABLED "cudaErrorProfilerDisabled" "profiler disabled";
    6 PROFILER_NOT_INITIALIZED "cudaErrorProfilerNotInitialized" "profiler not initialized";
    7 PROFILER_ALREADY_STARTED "cudaErrorProfilerAlreadyStarted" "profiler already started";
    8 PROFILER_ALREADY_STOPPED "cudaErrorProfilerAlreadyStopped" "profiler already stopped";
    9 INVALID_CONFIGURATION "cudaErrorInvalidConfiguration" "invalid configuration argument";
    10 VERSION_TRANSLATION "cudaErrorVersionTranslation" "the driver returned values this runtime cannot express";
    12 INVALID_PITCH_VALUE "cudaErrorInvalidPitchValue" "invalid pitch argument";
    13 INVALID_SYMBOL "cudaErrorInvalidSymbol" "invalid device symbol";
    16 INVALID_HOST_POINTER "cudaErrorInvalidHostPointer" "invalid host pointer";
    17 INVALID_DEVICE_POINTER "cudaErrorInvalidDevicePointer" "invalid device pointer";
    18 INVALID_TEXTURE "cudaErrorInvalidTexture" "invalid texture reference";
    19 INVALID_TEXTURE_BINDING "cudaErrorInvalidTextureBinding" "no pointer is bound to the texture";
    20 INVALID_CHANNEL_DESCRIPTOR "cudaErrorInvalidChannelDescriptor" "invalid channel descriptor";
    21 INVALID_MEMCPY_DIRECTION "cudaErrorInvalidMemcpyDirection" "invalid copy direction for memcpy";
    22 ADDRESS_OF_CONSTANT "cudaErrorAddressOfConstant" "invalid address of constant";
    23 TEXTURE_FETCH_FAILED "cudaErrorTextureFetchFailed" "texture fetch failed";
    24 TEXTURE_NOT_BOUND "cudaErrorTextureNotBound" "fetch from an unbound texture";
    25 SYNCHRONIZATION_ERROR "cudaErrorSynchronizationError" "incorrect use of __syncthreads()";
    26 INVALID_FILTER_SETTING "cudaErrorInvalidFilterSetting" "filter mode not supported for this type";
    27 INVALID_NORM_SETTING "cudaErrorInvalidNormSetting" "normalised read not supported for this type";
    28 MIXED_DEVICE_EXECUTION "cudaErrorMixedDeviceExecution" "emulated and device execution mixed";
    31 NOT_YET_IMPLEMENTED "cudaErrorNotYetImplemented" "feature not yet implemented";
    32 MEMORY_VALUE_TOO_LARGE "cudaErrorMemoryValueTooLarge" "value does not fit in 32 bits";
    34 STUB_LIBRARY "cudaErrorStubLibrary" "the CUDA driver is a stub library";
    35 INSUFFICIENT_DRIVER "cudaErrorInsufficientDriver" "the CUDA driver is older than the runtime";
    36 CALL_REQUIRES_NEWER_DRIVER "cudaErrorCallRequiresNewerDriver" "the call needs a newer CUDA driver";
    37 INVALID_SURFACE "cudaErrorInvalidSurface" "invalid surface reference";
    43 DUPLICATE_VARIABLE_NAME "cudaErrorDuplicateVariableName" "device variable name is not unique";
    44 DUPLICATE_TEXTURE_NAME "cudaErrorDuplicateTextureName" "texture name is not unique";
    45 DUPLICATE_SURFACE_NAME "cudaErrorDuplicateSurfaceName" "surface name is not unique";
    46 DEVICES_UNAVAILABLE "cudaErrorDevicesUnavailable" "all CUDA devices are busy or unavailable";
    49 INCOMPATIBLE_DRIVER_CONTEXT "cudaErrorIncompatibleDriverContext" "incompatible driver context";
    52 MISSING_CONFIGURATION "cudaErrorMissingConfiguration" "kernel call is not configured";
    53 PRIOR_LAUNCH_FAILURE "cudaErrorPriorLaunchFailure" "an earlier launch failed";
    65 LAUNCH_MAX_DEPTH_EXCEEDED "cudaErrorLaunchMaxDepthExceeded" "nested launches are too deep";
    66 LAUNCH_FILE_SCOPED_TEX "cudaErrorLaunchFileScopedTex" "file-scoped textures are not supported in this launch";
    67 LAUNCH_FILE_SCOPED_SURF "cudaErrorLaunchFileScopedSurf" "file-scoped surfaces are not supported in this launch";
    68 SYNC_DEPTH_EXCEEDED "cudaErrorSyncDepthExceeded" "device-side synchronisation is nested too deeply";
    69 LAUNCH_PENDING_COUNT_EXCEEDED "cudaErrorLaunchPendingCountExceeded" "too many launches are pending";
    98 INVALID_DEVICE_FUNCTION "cudaErrorInvalidDeviceFunction" "invalid device function";
    100 NO_DEVICE "cudaErrorNoDevice" "no CUDA-capable device is detected";
    101 INVALID_DEVICE "cudaErrorInvalidDevice" "invalid device ordinal";
    102 DEVICE_NOT_LICENSED "cudaErrorDeviceNotLicensed" "the device has no valid licence";
    103 SOFTWARE_VALIDITY_NOT_ESTABLISHED "cudaErrorSoftwareValidityNotEstablished" "integrity checks failed";
    127 STARTUP_FAILURE "cudaErrorStartupFailure" "the CUDA runtime failed to start";
    200 INVALID_KERNEL_IMAGE "cudaErrorInvalidKernelImage" "device kernel image is invalid";
    201 DEVICE_UNINITIALIZED "cudaErrorDeviceUninitialized" "invalid device context";
    205 MAP_BUFFER_OBJECT_FAILED "cudaErrorMapBufferObjectFailed" "mapping a buffer object failed";
    206 UNMAP_BUFFER_OBJECT_FAILED "cudaErrorUnmapBufferObjectFailed" "unmapping a buffer object failed";
    207 ARRAY_IS_MAPPED "cudaErrorArrayIsMapped" "array is mapped";
    208 ALREADY_MAPPED "cudaErrorAlreadyMapped" "resource already mapped";
    209 NO_KERNEL_IMAGE_FOR_DEVICE "cudaErrorNoKernelImageForDevice" "no kernel image is available for execution on the device";
    210 ALREADY_ACQUIRED "cudaErrorAlreadyAcquired" "resource already acquired";
    211 NOT_MAPPED "cudaErrorNotMapped" "resource not mapped";
    212 NOT_MAPPED_AS_ARRAY "cudaErrorNotMappedAsArray" "resource not mapped as array";
    213 NOT_MAPPED_AS_POINTER "cudaErrorNotMappedAsPointer" "resource not mapped as pointer";
    214 ECC_UNCORRECTABLE "cudaErrorECCUncorrectable" "uncorrectable ECC error";
    215 UNSUPPORTED_LIMIT "cudaErrorUnsupportedLimit" "limit is not supported on this architecture";
    216 DEVICE_ALREADY_IN_USE "cudaErrorDeviceAlreadyInUse" "the device is in exclusive use by another thread";
    217 PEER_ACCESS_UNSUPPORTED "cudaErrorPeerAccessUnsupported" "no peer access between these two devices";
    218 INVALID_PTX "cudaErrorInvalidPtx" "the PTX could not be compiled";
    219 INVALID_GRAPHICS_CONTEXT "cudaErrorInvalidGraphicsContext" "invalid graphics context";
    220 NVLINK_UNCORRECTABLE "cudaErrorNvlinkUncorrectable" "uncorrectable NVLink error";
    221 JIT_COMPILER_NOT_FOUND "cudaErrorJitCompilerNotFound" "PTX compiler not found";
    222 UNSUPPORTED_PTX_VERSION "cudaErrorUnsupportedPtxVersion" "PTX version is not supported";
    223 JIT_COMPILATION_DISABLED "cudaErrorJitCompilationDisabled" "PTX compilation is disabled";
    224 UNSUPPORTED_EXEC_AFFINITY "cudaErrorUnsupportedExecAffinity" "execution affinity is not supported";
    225 UNSUPPORTED_DEV_SIDE_SYNC "cudaErrorUnsupportedDevSideSync" "device-side cudaDeviceSynchronize is not supported";
    226 CONTAINED "cudaErrorContained" "an error contained to this process occurred";
    227 INSUFFICIENT_LOADER_VERSION "cudaErrorInsufficientLoaderVersion" "the loader is too old for this fat binary";
    300 INVALID_SOURCE "cudaErrorInvalidSource" "invalid kernel source";
    301 FILE_NOT_FOUND "cudaErrorFileNotFound" "file not found";
    302 SHARED_OBJECT_SYMBOL_NOT_FOUND "cudaErrorSharedObjectSymbolNotFound" "shared object symbol not found";
    303 SHARED_OBJECT_INIT_FAILED "cudaErrorSharedObjectInitFailed" "shared object could not be initialised";
    304 OPERATING_SYSTEM "cudaErrorOperatingSystem" "operating system call failed";
    400 INVALID_RESOURCE_HANDLE "cudaErrorInvalidResourceHandle" "invalid resource handle";
    401 ILLEGAL_STATE "cudaErrorIllegalState" "operation not allowed in the present state";
    402 LOSSY_QUERY "cudaErrorLossyQuery" "the answer would lose information";
    500 SYMBOL_NOT_FOUND "cudaErrorSymbolNotFound" "named symbol not found";
    600 NOT_READY "cudaErrorNotReady" "device not ready";
    700 ILLEGAL_ADDRESS "cudaErrorIllegalAddress" "an illegal memory access was encountered";
    701 LAUNCH_OUT_OF_RESOURCES "cudaErrorLaunchOutOfResources" "too many resources requested for launch";
    702 LAUNCH_TIMEOUT "cudaErrorLaunchTimeout" "the launch timed out and was terminated";
    703 LAUNCH_INCOMPATIBLE_TEXTURING "cudaErrorLaunchIncompatibleTexturing" "incompatible texturing mode";
    704 PEER_ACCESS_ALREADY_ENABLED "cudaErrorPeerAccessAlreadyEnabled" "peer access is already enabled";
    705 PEER_ACCESS_NOT_ENABLED "cudaErrorPeerAccessNotEnabled" "peer access has not been enabled";
    708 SET_ON_ACTIVE_PROCESS "cudaErrorSetOnActiveProcess" "cannot be set while the device is active";
    709 CONTEXT_IS_DESTROYED "cudaErrorContextIsDestroyed" "context is destroyed";
    710 ASSERT "cudaErrorAssert" "device-side assert triggered";
    711 TOO_MANY_PEERS "cudaErrorTooManyPeers" "too many peers";
    712 HOST_MEMORY_ALREADY_REGISTERED "cudaErrorHostMemoryAlreadyRegistered" "host memory is already registered";
    713 HOST_MEMORY_NOT_REGISTERED "cudaErrorHostMemoryNotRegistered" "host memory is not registered";
    714 HARDWARE_STACK_ERROR "cudaErrorHardwareStackError" "hardware stack error";
    715 ILLEGAL_INSTRUCTION "cudaErrorIllegalInstruction" "an illegal instruction was encountered";
    716 MISALIGNED_ADDRESS "cudaErrorMisalignedAddress" "misaligned address";
    717 INVALID_ADDRESS_SPACE "cudaErrorInvalidAddressSpace" "operation not supported in this address space";
    718 INVALID_PC "cudaErrorInvalidPc" "invalid program counter";
    719 LAUNCH_FAILURE "cudaErrorLaunchFailure" "unspecified launch failure";
    720 COOPERATIVE_LAUNCH_TOO_LARGE "cudaErrorCooperativeLaunchTooLarge" "too many blocks in cooperative launch";
    721 TENSOR_MEMORY_LEAK "cudaErrorTensorMemoryLeak" "tensor memory was not freed";
    800 NOT_PERMITTED "cudaErrorNotPermitted" "operation not permitted";
    801 NOT_SUPPORTED "cudaErrorNotSupported" "operation not supported";
    802 SYSTEM_NOT_READY "cudaErrorSystemNotReady" "system not yet initialised";
    803 SYSTEM_DRIVER_MISMATCH "cudaErrorSystemDriverMismatch" "driver and system do not match";
    804 COMPAT_NOT_SUPPORTED_ON_DEVICE "cudaErrorCompatNotSupportedOnDevice" "forward compatibility is not supported on this device";
    805 MPS_CONNECTION_FAILED "cudaErrorMpsConnectionFailed" "cannot connect to the MPS server";
    806 MPS_RPC_FAILURE "cudaErrorMpsRpcFailure" "MPS remote call failed";
    807 MPS_SERVER_NOT_READY "cudaErrorMpsServerNotReady" "the MPS server takes no new clients now";
    808 MPS_MAX_CLIENTS_REACHED "cudaErrorMpsMaxClientsReached" "too many MPS clients";
    809 MPS_MAX_CONNECTIONS_REACHED "cudaErrorMpsMaxConnectionsReached" "too many MPS connections";
    810 MPS_CLIENT_TERMINATED "cudaErrorMpsClientTerminated" "the MPS client was ended by its server";
    811 CDP_NOT_SUPPORTED "cudaErrorCdpNotSupported" "dynamic parallelism is not supported here";
    812 CDP_VERSION_MISMATCH "cudaErrorCdpVersionMismatch" "versions of dynamic parallelism do not match";
    900 STREAM_CAPTURE_UNSUPPORTED "cudaErrorStreamCaptureUnsupported" "operation not permitted when stream is capturing";
    901 STREAM_CAPTURE_INVALIDATED "cudaErrorStreamCaptureInvalidated" "stream capture was invalidated";
    902 STREAM_CAPTURE_MERGE "cudaErrorStreamCaptureMerge" "stream captures would merge";
    903 STREAM_CAPTURE_UNMATCHED "cudaErrorStreamCaptureUnmatched" "stream capture ended in another stream";
    904 STREAM_CAPTURE_UNJOINED "cudaErrorStreamCaptureUnjoined" "stream capture has unjoined work";
    905 STREAM_CAPTURE_ISOLATION "cudaErrorStreamCaptureIsolation" "stream capture depends on uncaptured work";
    906 STREAM_CAPTURE_IMPLICIT "cudaErrorStreamCaptureImplicit" "stream capture depends implicitly on the legacy stream";
    907 CAPTURED_EVENT "cudaErrorCapturedEvent" "event was recorded in a capturing stream";
    908 STREAM_CAPTURE_WRONG_THREAD "cudaErrorStreamCaptureWrongThread" "stream capture ended by another thread";
    909 TIMEOUT "cudaErrorTimeout" "wait operation timed out";
    910 GRAPH_EXEC_UPDATE_FAILURE "cudaErrorGraphExecUpdateFailure" "graph update violates the instantiated graph";
    911 EXTERNAL_DEVICE "cudaErrorExternalDevice" "an error occurred outside of CUDA";
    912 INVALID_CLUSTER_SIZE "cudaErrorInvalidClusterSize" "cluster size is invalid";
    913 FUNCTION_NOT_LOADED "cudaErrorFunctionNotLoaded" "function is not loaded";
    914 INVALID_RESOURCE_TYPE "cudaErrorInvalidResourceType" "resource type is invalid for the operation";
    915 INVALID_RESOURCE_CONFIGURATION "cudaErrorInvalidResourceConfiguration" "resource configuration is invalid for the operation";
    917 STREAM_DETACHED "cudaErrorStreamDetached" "stream is detached from its context";
    918 GRAPH_RECAPTURE_FAILURE "cudaErrorGraphRecaptureFailure" "graph recapture failed";
    919 FABRIC_NOT_READY "cudaErrorFabricNotReady" "fabric is not ready";
    999 UNKNOWN "cudaErrorUnknown" "unknown error";
    10000 API_FAILURE_BASE "cudaErrorApiFailureBase" "API failure base";
}

impl Code {
    fn row(self) -> Option<&'static (u32, &'static str, &'static str)> {
        TABLE
            .binary_search_by_key(&self.0, |row| row.0)
            .ok()
            .map(|i| &TABLE[i])
    }
    /// The name, `cudaErrorInvalidValue`, followed by a NUL.
    pub fn name_nul(self) -> &'static str {
        self.row().map_or("unrecognized error code\0", |row| row.1)
    }
    /// A short text, followed by a NUL.
    pub fn text_nul(self) -> &'static str {
        self.row().map_or("unrecognized error code\0", |row| row.2)
    }
    /// The name, `cudaErrorInvalidValue`.
    pub fn name(self) -> &'static str {
        self.name_nul().trim_end_matches('\0')
    }
    /// A short text.
    pub fn text(self) -> &'static str {
        self.text_nul().trim_end_matches('\0')
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_answers() {
        assert!(TABLE.windows(2).all(|w| w[0].0 < w[1].0));
        assert_eq!(Code::ILLEGAL_ADDRESS, Code(700));
        assert_eq!(Code::ILLEGAL_ADDRESS.name(), "cudaErrorIllegalAddress");
        assert_eq!(Code::MEMORY_ALLOCATION.text(), "out of memory");
        assert_eq!(Code(12345).name(), "unrecognized error code");
    }
}
