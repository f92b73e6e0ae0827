// The front end's own server: /api goes on to the gateway, as in the guide of Vite.
export default {
  server: {
    proxy: {
      "/api": { target: process.env.GATEWAY, changeOrigin: process.env.CHANGE_ORIGIN === "1", xfwd: process.env.XFWD === "1" },
    },
  },
};
