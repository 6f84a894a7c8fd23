# The peer connection: libpeer as it is, and in its place the functions that libpeer.h lists. Included twice by
# CMakeLists.txt: before the component is registered, and after it.
set(LIBPEER_WRAPPED
    udp_socket_recvfrom udp_socket_sendto ports_get_host_addr ports_get_epoch_time
    utils_random_string stun_msg_create stun_msg_write_attr stun_parse_msg_buf stun_msg_is_valid
    agent_create agent_select_candidate_pair agent_recv
    dtls_srtp_init dtls_srtp_handshake dtls_srtp_probe dtls_srtp_read dtls_srtp_write
    dtls_srtp_decrypt_rtp_packet dtls_srtp_decrypt_rtcp_packet mbedtls_x509write_crt_set_validity
    sctp_create_association sctp_destroy_association sctp_is_connected sctp_incoming_data
    sctp_outgoing_data sctp_onmessage sctp_onopen sctp_onclose)

if(NOT TARGET "${COMPONENT_LIB}")
  list(APPEND sources peer.c peer_call.c libpeer_socket.c libpeer_ice.c libpeer_dtls.c libpeer_sctp.c libpeer_log.c)
  list(APPEND needs libpeer srtp usrsctp mbedtls lwip)
  return()
endif()

foreach(function ${LIBPEER_WRAPPED})
  target_link_libraries(${COMPONENT_LIB} INTERFACE "-Wl,--wrap=${function}")
endforeach()

# Both sides must agree on these: they decide what libpeer's structures look like. No signaling of libpeer's own, no
# RSA (its 1024 bits are made anew for each call), no end of the call because the peer asks nothing: consent is ours.
set(libpeer_definitions
    CONFIG_DTLS_USE_ECDSA=1 CONFIG_KEEPALIVE_TIMEOUT=0 DISABLE_PEER_SIGNALING=1 LOG_REDIRECT=1)
idf_component_get_property(libpeer libpeer COMPONENT_LIB)
idf_component_get_property(libpeer_folder libpeer COMPONENT_DIR)
target_compile_definitions(${libpeer} PRIVATE ${libpeer_definitions})
target_compile_options(${libpeer} PRIVATE -w)
set_source_files_properties(peer_call.c libpeer_socket.c libpeer_ice.c libpeer_dtls.c libpeer_sctp.c libpeer_log.c
    PROPERTIES COMPILE_OPTIONS "-isystem;${libpeer_folder}/src")
target_compile_definitions(${COMPONENT_LIB} PRIVATE ${libpeer_definitions}
    CONFIG_USE_LWIP=1 CONFIG_USE_USRSCTP=0 __BYTE_ORDER=__LITTLE_ENDIAN)
